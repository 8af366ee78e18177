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

// The name of the module behind the name of a reader.
static std::string_view module_of(std::string_view reader) {
  if (reader == "tsv") return "csv";
  if (reader == "cifar10" || reader == "cifar100") return "cifar";
  return reader;
}

const nc_reader_module *Modules::reader(std::string_view name) const {
  return reinterpret_cast<const nc_reader_module *>(find("reader", module_of(name)));
}

const nc_stream_module *Modules::stream(std::string_view reader) const {
  return reinterpret_cast<const nc_stream_module *>(find("stream", module_of(reader)));
}

const nc_gzip_module *Modules::gzip() const { return reinterpret_cast<const nc_gzip_module *>(find("gzip", "gzip")); }

const nc_picture_module *Modules::picture(std::string_view format) const {
  return reinterpret_cast<const nc_picture_module *>(find("picture", format));
}

const nc_folds_module *Modules::folds() const {
  return reinterpret_cast<const nc_folds_module *>(find("split", "k_fold"));
}

const nc_command_module *Modules::command(std::string_view name) const {
  return reinterpret_cast<const nc_command_module *>(find("command", name));
}

const nc_augmentation_module *Modules::augmentation(std::string_view name) const {
  return reinterpret_cast<const nc_augmentation_module *>(find("augmentation", name));
}

}  // namespace netc::runtime
