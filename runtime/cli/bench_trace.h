// The trace of some calls in the format of Chrome's trace viewer and Perfetto.
#pragma once

#include <string>

#include "runtime/pool/pool.h"

namespace netc::runtime {

// JSON: a track of kernels from their call to their return, and one for each thread with the chunks it did. The format:
// "Trace Event Format", complete events, microseconds.
std::string trace_json(const Trace &trace);

}  // namespace netc::runtime
