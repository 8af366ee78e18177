// npz(...) under `stream = true`.
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
static Result<RawData> stream_npz(const ReadRequest &request) { return stream_arrays(request, find_npz); }
}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_npz = {
    {"stream", "npz"}, netc::runtime::stream_npz, netc::runtime::stream_selector};
