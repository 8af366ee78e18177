// Checks that a module is well formed: every value defined once and before its use, operand and attribute counts, kinds
// and limits, result types equal to what the shape rule says, weights exist, reads of a weight come before its write,
// bodies of fused ops hold only ops that may be fused. Returns every problem in words; empty means sound.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"

namespace netc {

std::vector<std::string> verify(const Module &module);

}  // namespace netc
