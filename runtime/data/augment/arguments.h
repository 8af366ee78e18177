// The arguments of an augmentation: rotate(10 deg), zoom([-10%, 30%], fill = constant).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/data/augment/step.h"

namespace netc::runtime {

// A number in [least, most]; `example` shows how it is written.
Result<double> number_argument(const nlohmann::json &call, const char *name, int position, double least, double most,
                               double otherwise, const char *example);
// A number a for [-a, a], or a list [low, high], with 0 <= a <= limit and both in [-limit, limit]; without one it is
// `otherwise` for [-otherwise, otherwise].
Result<Amount> amount_argument(const nlohmann::json &call, const char *name, int position, double limit,
                               double otherwise, const char *example, const char *unit = "");
// fill and fill_value.
Result<Fill> fill_argument(const nlohmann::json &call, FillMode otherwise);
// A quiet NaN as `otherwise`: the argument must be given.
extern const double kRequired;

}  // namespace netc::runtime
