// Names of the arrays of the seeds: x, y.
#include "test/fuzz/reader_fuzzing.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MemoryFile file({reinterpret_cast<const char *>(data), size});
  read_both_ways(nc_module_npz,
                 {{"call", "npz"}, {"args", {file.path()}}, {"named", {{"features", "x"}, {"targets", "y"}}}}, 2);
  return 0;
}
