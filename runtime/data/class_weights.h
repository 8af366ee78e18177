// How much each class counts in the loss of the training.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "runtime/data/dataset.h"
#include "runtime/data/fields.h"

namespace netc::runtime {

// The key `class_weight`: balanced, so that every class has the same part in the sum over the samples of `train`, or a
// list with a number for each class. Of the first output, which must be a class; empty when the key is not given.
Result<std::vector<float>> class_weights(const nlohmann::json &key, const Interface &interface, const Dataset &train);

}  // namespace netc::runtime
