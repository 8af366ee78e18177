// Reverse-mode differentiation on the graph: the backward sweep appended to the function being built.
#pragma once

#include <vector>

#include "ir/builder.h"

namespace netc {

// Appends ops that compute the gradient of `loss`, a scalar float made by the ops already in the builder, with respect
// to each of `wrt`. Returns one value for each, of its type: zeros where the loss does not depend on it. Only ops on a
// path from `wrt` to `loss` are differentiated. A backward op has the location of the op whose gradient it is.
std::vector<ValueId> build_gradients(Builder &builder, ValueId loss, const std::vector<ValueId> &wrt);

}  // namespace netc
