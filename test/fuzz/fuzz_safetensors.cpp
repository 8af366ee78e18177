// Every tensor that is read has the bytes of its shape.
#include <cstdlib>

#include "runtime/io/safetensors.h"

using namespace netc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto file = parse_safetensors("x", std::string(reinterpret_cast<const char *>(data), size));
  if (!file) {
    if (file.error().message.empty()) std::abort();
    return 0;
  }
  for (const auto &[name, tensor] : file->tensors) {
    int64_t bytes = safetensors_dtype_size(tensor.dtype);
    for (int64_t length : tensor.shape) bytes *= length;
    if (static_cast<size_t>(bytes) != tensor.bytes.size()) std::abort();
  }
  return 0;
}
