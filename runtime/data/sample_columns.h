// What files beside the training data tell of each sample: its weight and its group.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runtime/data/module.h"

namespace netc::runtime {

// The keys sample_weight = "weights.npy" and group = "groups.npy" of a `data` section: a number for each sample of
// `data`, which gets them. Paths start from `root`.
Result<void> read_sample_columns(const nlohmann::json &section, const Modules &modules, const std::string &root,
                                 RawData &data);

}  // namespace netc::runtime
