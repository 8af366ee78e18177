// The first byte chooses the kind, the rest is the file, filled up with zeros to a record when it is small.
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char *>(data + 1), size - 1);
  if (data[0] & 4) bytes.resize((bytes.size() + 3072) / 3073 * 3073);
  if (data[0] & 8) bytes.resize((bytes.size() + 3073) / 3074 * 3074);
  MemoryFile file(bytes);
  nlohmann::json named = nlohmann::json::object();
  if ((data[0] & 3) == 3) named["labels"] = "coarse";
  const char *reader = data[0] & 1 ? "cifar100" : "cifar10";
  read_both_ways(nc_module_cifar, {{"call", reader}, {"args", {file.path()}}, {"named", named}}, 0);
  return 0;
}
