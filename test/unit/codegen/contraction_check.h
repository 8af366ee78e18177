// A contraction against a double loop, on every target whose code runs here.
#pragma once

#include <vector>

#include "test/unit/codegen/contraction_harness.h"

namespace netc::contraction_test {

// Without Winograd's algorithm, which rounds: winograd_test.cpp.
const std::vector<Target> &all_targets();

// Runs it, its chunks forwards and backwards, on numbers whose sums are never rounded; every element has to be right,
// and nothing else may be written.
void check(const Contraction &contraction, int64_t batch);

}  // namespace netc::contraction_test
