// What readers of arrays (idx, npy) share: a file of features and a file of targets.
#pragma once

#include "runtime/data/arguments.h"
#include "runtime/data/binary.h"
#include "runtime/data/reader.h"

namespace netc::runtime {

using ArrayReader = Result<Array> (*)(const std::string &name, std::string_view bytes);

// Reads call("features", "targets", missing = ..., classes = [...]) with `read_array` for either file; checks the
// numbers of samples, classes and finite values. For predict the targets are left out.
Result<RawData> read_pair(const ReadRequest &request, ArrayReader read_array);

}  // namespace netc::runtime
