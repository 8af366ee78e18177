#include "runtime/data/class_weights.h"

#include <nlohmann/json.hpp>

#include "runtime/data/arguments.h"

namespace netc::runtime {
namespace {

// A class without a sample has the weight 1.
std::vector<float> balanced(size_t classes, const Dataset &train) {
  std::vector<int64_t> counts(classes);
  const auto &labels = std::get<std::vector<int32_t>>(train.samples->targets[0].values);
  for (int64_t row : train.rows) ++counts[static_cast<size_t>(labels[static_cast<size_t>(row)])];
  std::vector<float> weights;
  for (int64_t count : counts)
    weights.push_back(count == 0 ? 1.0f
                                 : static_cast<float>(static_cast<double>(train.size()) /
                                                      (static_cast<double>(classes) * static_cast<double>(count))));
  return weights;
}

}  // namespace

Result<std::vector<float>> class_weights(const nlohmann::json &key, const Interface &interface, const Dataset &train) {
  std::vector<float> weights;
  if (key.is_null()) return weights;
  if (!interface.outputs[0].is_class)
    return fail("class_weight needs an output that is a class", "use a column of sample weights: weight = \"name\"");
  auto classes = static_cast<size_t>(interface.outputs[0].classes);
  if (text_of(key) == "balanced") return balanced(classes, train);
  if (!key.is_array() || key.size() != classes)
    return fail("class_weight is balanced or a list of " + std::to_string(classes) + " numbers, found " + key.dump());
  for (const nlohmann::json &weight : key) {
    if (!weight.is_number() || !(weight.get<double>() >= 0) || weight.get<double>() > 1e30)
      return fail("class_weight holds " + weight.dump() + ", expected numbers from 0");
    weights.push_back(weight.get<float>());
  }
  return weights;
}

}  // namespace netc::runtime
