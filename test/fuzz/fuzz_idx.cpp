// The bytes are the features and, where targets are wanted, the targets as well.
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MemoryFile file({reinterpret_cast<const char *>(data), size});
  for (const char *missing : {"error", "drop", "mean"})
    read_both_ways(nc_module_idx,
                   {{"call", "idx"}, {"args", {file.path(), file.path()}}, {"named", {{"missing", missing}}}}, 10);
  return 0;
}
