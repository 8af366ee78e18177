// Which pooling ops are computed together with their elementwise neighbours, window by window.
#pragma once

#include <optional>
#include <vector>

#include "ir/window.h"

namespace netc {

// By op: the windows of a pooling op, or of the gradient of one, that may stand in a fused body. Not where they
// overlap, where a kernel of its own does as well, or where images of one shape are pooled in several ways: what is
// recomputed (recompute.h) must fit every kernel that wants it.
std::vector<std::optional<Window>> choose_windows(const Function &function);

}  // namespace netc
