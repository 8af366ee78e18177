// Gradient checking: the analytic gradients of `gradcheck` against central differences of its own loss, both in f64, on
// a sample of the entries of each weight (LeCun et al., "Efficient BackProp"; the checks of Caffe and of Karpathy's
// notes).
//
// The weights are moved a little off their first values, so that entries which start at zero are not checked at a kink
// or at a saddle. An entry next to a kink (relu, max) gives a wrong difference: it is tried again with smaller steps,
// and its best agreement counts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/train/program.h"

namespace netc::runtime {

struct GradcheckOptions {
  int64_t entries = 12;     // of each weight, spread evenly; all when it has fewer
  double tolerance = 1e-5;  // of the relative error
  uint64_t seed = 0;        // of the small moves
};

// The entry of a weight with the greatest error.
struct GradcheckRow {
  std::string weight;
  int64_t checked = 0;
  double relative_error = 0;  // |analytic - numeric| / max(|analytic|, |numeric|, floor); floor: 1e-3 of the weight's
                              // greatest analytic gradient, at least 1e-7
  int64_t entry = 0;
  double analytic = 0, numeric = 0;
  bool passed = true;
};

struct GradcheckReport {
  double loss = 0;
  std::vector<GradcheckRow> rows;  // one for each trainable weight
  bool passed() const;
};

// `batch` are the arguments of `evaluate` for `samples` samples; the program's weights hold their values.
Result<GradcheckReport> check_gradients(Program &program, std::span<const void *const> batch, int64_t samples,
                                        const GradcheckOptions &options);

}  // namespace netc::runtime
