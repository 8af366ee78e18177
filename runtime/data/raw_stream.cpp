// raw(...) under `stream = true`.
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
static Result<RawData> stream_raw(const ReadRequest &request) { return stream_arrays(request, find_raw); }
}  // namespace netc::runtime

extern "C" const nc_stream_module nc_module_stream_raw = {
    {"stream", "raw"}, netc::runtime::stream_raw, netc::runtime::stream_selector};
