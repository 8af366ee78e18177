#include "test/fuzz/reader_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto bytes = nc_module_gzip.unpack("x.gz", {reinterpret_cast<const char *>(data), size}, 1 << 24);
  if (bytes ? bytes->size() > 1 << 24 : bytes.error().message.empty()) std::abort();
  return 0;
}
