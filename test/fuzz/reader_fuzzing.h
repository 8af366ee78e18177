// Shared by the fuzzers of the readers: the bytes become a file in memory, which a reader is given by path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "runtime/data/module.h"

namespace netc::runtime {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(memfd_create("fuzz", 0)) {
    if (write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile &) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

// What every reading must keep: data that fits its shapes, or an error with a message.
inline void check(const Result<RawData> &result) {
  if (!result) {
    if (result.error().message.empty()) std::abort();
    return;
  }
  for (const Array *array : {&result->features, &result->targets}) {
    size_t values = std::visit([](const auto &list) { return list.size(); }, array->values);
    if (values != static_cast<size_t>(array->count * array->elements())) std::abort();
  }
  if (result->targets.count != 0 && result->targets.count != result->features.count) std::abort();
}

inline void read_both_ways(const nc_reader_module &module, nlohmann::json call, int64_t classes) {
  static const void *const records[] = {&nc_module_gzip};
  static const Modules modules(records);
  ReadRequest request;
  request.call = &call;
  request.modules = &modules;
  for (bool needs_targets : {true, false})
    for (bool are_classes : {true, false}) {
      request.needs_targets = needs_targets;
      request.targets_are_classes = are_classes;
      request.class_count = are_classes ? classes : 0;
      check(module.read(request));
    }
}

}  // namespace netc::runtime
