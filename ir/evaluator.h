// The reference evaluator: gives every graph its meaning, in f64, one op after the other. Tests compare a graph before
// and after each pass, and the compiled code, against it. It knows nothing of halos, placements or fusion: a fused op
// is its body.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/tensor.h"

namespace netc {

// What outlives a call, and what the runtime would provide.
struct Environment {
  std::map<std::string, Tensor, std::less<>> weights;  // `read` takes from here, `write` puts here after the last op
  std::map<std::string, double, std::less<>> runtime_values;
  int64_t batch = 1;
  uint64_t seed = 0;
  uint64_t step = 0;
};

// Runs `function`; writes take effect at its end. Fails when inputs do not fit the arguments or a weight is missing.
Result<std::vector<Tensor>> evaluate(const Module &module, const Function &function, const std::vector<Tensor> &inputs,
                                     Environment &environment);

}  // namespace netc
