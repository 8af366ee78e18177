// Does a pass keep what a module means? Both modules run under the reference evaluator on the same random inputs and
// weights, for several batch sizes; results and written weights must agree.
#pragma once

#include <cstdint>

#include "ir/graph.h"

namespace netc {

struct SameMeaningOptions {
  double tolerance = 1e-9;  // relative to 1 + |value|
  uint64_t seed = 1;
};

// Reports through GoogleTest. Functions are matched by name; integers are drawn from {0, 1}, weights whose name
// contains "variance" are positive.
void expect_same_meaning(const Module &before, const Module &after, const SameMeaningOptions &options = {});

// A module with one function @f of random ops and weights: pipelines of convolutions, products, reductions, elementwise
// ops with broadcasting, views, random numbers and writes. The same for the same seed.
Module random_module(uint64_t seed, Mode mode);

// Parses a module written in a test.
Module module_from_text(const char *text);

}  // namespace netc
