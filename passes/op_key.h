// Which ops compute the same.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace netc {

// Equal for two ops without bodies exactly when they are the same op of the same operands and attributes.
std::string op_key(const Op &op, const std::vector<ValueId> &operands);

}  // namespace netc
