// The first byte chooses the options, the rest is the file. Column names of the seeds: x, y.
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  unsigned options = data[0];
  MemoryFile file({reinterpret_cast<const char *>(data + 1), size - 1});
  nlohmann::json named = {{"target", options & 64 ? "c1" : "y"}};
  if (options & 1) named["missing"] = options & 2 ? "mean" : "drop";
  if (options & 4) named["categorical"] = options & 64 ? "c0" : "x";
  if (options & 8) named["classes"] = {"a", "b"};
  if (options & 16) named["separator"] = ";";
  if (options & 32) named["weight"] = "w";
  if (options & 64) named["header"] = false;
  if (options & 128) named["group"] = "g";
  read_both_ways(nc_module_csv, {{"call", "csv"}, {"args", {file.path()}}, {"named", named}}, 2);
  return 0;
}
