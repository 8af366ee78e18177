// idx(...) under `stream = true`.
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
static Result<RawData> stream_idx(const ReadRequest &request) { return stream_arrays(request, find_idx); }
}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_idx = {
    {"stream", "idx"}, netc::runtime::stream_idx, netc::runtime::stream_selector};
