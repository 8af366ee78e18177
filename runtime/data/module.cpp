#include "runtime/data/module.h"

namespace netc::runtime {

Modules::Modules(std::span<const void *const> records) {
  for (const void *record : records) records_.push_back(static_cast<const nc_module *>(record));
}

const nc_module *Modules::find(std::string_view kind, std::string_view name) const {
  for (const nc_module *record : records_)
    if (record && record->kind == kind && record->name == name) return record;
  return nullptr;
}

const nc_reader_module *Modules::reader(std::string_view name) const {
  if (name == "tsv") name = "csv";
  if (name == "cifar10" || name == "cifar100") name = "cifar";
  return reinterpret_cast<const nc_reader_module *>(find("reader", name));
}

const nc_gzip_module *Modules::gzip() const { return reinterpret_cast<const nc_gzip_module *>(find("gzip", "gzip")); }

const nc_png_module *Modules::png() const { return reinterpret_cast<const nc_png_module *>(find("png", "png")); }

}  // namespace netc::runtime
