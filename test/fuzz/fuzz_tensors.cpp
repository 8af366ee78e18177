// The reader safetensors; fuzz_safetensors is for checkpoints. Names of the tensors of the seeds: x, y.
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MemoryFile file({reinterpret_cast<const char *>(data), size});
  read_both_ways(nc_module_safetensors,
                 {{"call", "safetensors"}, {"args", {file.path()}}, {"named", {{"features", "x"}, {"targets", "y"}}}},
                 2);
  return 0;
}
