// Programs whose results Keras has computed too: what the files test/keras/values/*.json hold. test/keras/generate
// makes them.
//
// A file has weights to start from, batches (inputs by name; what is not given is random or, the sample weights, 1) and
// cases. A case has the text of a .net file and runs of its functions: `function` at the steps `first` ..< `last`, step
// n with batch n modulo their number, then `results` of the last step, the `weights` there must be then and, as
// `series`, a result of every step. The function `metrics` takes the sums of the metrics over the calls of `evaluate`
// before it.
//
// Each case is computed twice, and what it gives is compared relative to max(1, |value|):
// - by the reference evaluator, in f64, which must agree with Keras in f64 to the ten digits of the files,
// kExactTolerance: the
//   formula is the same. Where Keras keeps a constant in f32 even then, the case says how near to it is exact
//   (`exact`).
// - by compiled code, in f32. Keras' own f32 values are `rounding` away from its f64 values; netc rounds at other
// places and may
//   be kRoundingFactor times as far, or half a unit in the last place for each step and for kOperations more, as Keras
//   may have been lucky.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "test/unit/case_name.h"

namespace netc::test {

inline constexpr double kExactTolerance = 1e-9;
inline constexpr double kRoundingFactor = 4;
inline constexpr double kOperations = 8;

// One case of a file, for a parameterised test.
struct Comparison {
  std::string topic;
  size_t number = 0;
  std::string name;
  friend std::ostream &operator<<(std::ostream &stream, const Comparison &one) { return stream << one.name; }
};
std::vector<Comparison> comparisons(const std::string &topic);
const nlohmann::json &case_of(const Comparison &comparison);

// For INSTANTIATE_TEST_SUITE_P.
inline constexpr auto named_by_case = [](const auto &info) { return case_name(info.param.name, info.index); };

// How far a case was off, at most.
struct Deviation {
  double exact = 0, compiled = 0;
};
// Computes a case and reports what does not agree as failures of the running test.
Deviation compare(const Comparison &comparison);

}  // namespace netc::test
