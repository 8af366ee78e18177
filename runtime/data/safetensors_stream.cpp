// safetensors(...) under `stream = true`.
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
static Result<RawData> stream_safetensors(const ReadRequest &request) {
  return stream_arrays(request, find_safetensors);
}
}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_safetensors = {
    {"stream", "safetensors"}, netc::runtime::stream_safetensors, netc::runtime::stream_selector};
