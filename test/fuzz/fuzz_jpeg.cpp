#include "test/fuzz/reader_fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (int64_t channels : {1, 3, 4}) {
    auto picture = nc_module_jpeg.decode("x.jpg", {reinterpret_cast<const char *>(data), size}, channels);
    if (!picture && picture.error().message.empty()) std::abort();
    if (picture && std::get<1>(picture->values).size() != static_cast<size_t>(picture->elements())) std::abort();
  }
  return 0;
}
