// npy(...) under `stream = true`.
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
static Result<RawData> stream_npy(const ReadRequest &request) { return stream_arrays(request, find_npy); }
}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_npy = {
    {"stream", "npy"}, netc::runtime::stream_npy, netc::runtime::stream_selector};
