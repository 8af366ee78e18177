// Survey: what the data of a program is like, for the command `data`. Optional: only programs that `netc data` builds
// have it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/data/load.h"
#include "support/result.h"

namespace netc::runtime {

// One of the parts of the data: "train", "validation", "test".
struct SurveyPart {
  const char *name;
  const Dataset *dataset;
};
// Those that are there.
std::vector<SurveyPart> survey_parts(const DataSets &data);

// For each feature of the training split (column of a table, channel of pictures, entry of the last axis): "name",
// "min", "max", "mean", "deviation", "missing", "constant", "outliers" (values farther than 5 deviations from the
// mean), "histogram" (20 counts from min to max). `data` was loaded with LoadOptions::fill = false.
Result<nlohmann::json> feature_statistics(const DataSets &data, const std::vector<Field> &inputs);

// "within" (samples of a part that are there before), "between" [{"parts", "samples", "near", "groups", "pairs"}] for
// every two parts, "conflicts" (samples of the training split that are there with another target). Near duplicates are
// pictures with almost the same 64-bit difference hash whose pixels differ by 2 % of the range on average or less.
Result<nlohmann::json> find_copies(const DataSets &data, const std::vector<Field> &inputs);

// What to do about it: [{"level": "good" | "note" | "warning" | "problem", "kind", "text", "line"}].
nlohmann::json advice_on(const nlohmann::json &survey, const nlohmann::json &section);

}  // namespace netc::runtime
