#include "tools/netc/tune/sampler.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "tools/netc/tune/draws.h"

namespace netc::tune {
namespace {

using nlohmann::json;

std::vector<json> grid_of(const Dimension &dimension, int64_t steps) {
  if (dimension.kind == Dimension::Kind::choice) return dimension.choices;
  bool whole = dimension.kind == Dimension::Kind::integer;
  if (whole) steps = std::min(steps, dimension.count());
  if (dimension.low == dimension.high) steps = 1;
  std::vector<json> values;
  for (int64_t i = 0; i < steps; ++i) {
    double share = steps == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(steps - 1);
    if (!whole) {
      values.push_back(dimension.from_unit(share));
      continue;
    }
    double low = dimension.low, high = dimension.high;
    double value = dimension.logarithmic ? low * std::pow(high / low, share) : low + share * (high - low);
    json rounded = static_cast<int64_t>(std::round(value));
    if (values.empty() || values.back() != rounded) values.push_back(rounded);
  }
  return values;
}

}  // namespace

Values file_values(const Space &space) {
  Values values;
  for (const Dimension &dimension : space.dimensions)
    if (space.active(dimension, values)) values[dimension.name] = dimension.fallback;
  return values;
}

Values random_values(const Space &space, uint64_t seed, uint32_t trial, uint32_t attempt) {
  Values values;
  for (size_t i = 0; i < space.dimensions.size(); ++i) {
    const Dimension &dimension = space.dimensions[i];
    if (space.active(dimension, values))
      values[dimension.name] =
          dimension.from_unit(draw(seed, Purpose::values, trial, static_cast<uint32_t>(i), attempt));
  }
  return values;
}

Result<std::vector<Values>> grid_values(const Space &space, int64_t steps, size_t most) {
  std::vector<Values> all = {{}};
  for (const Dimension &dimension : space.dimensions) {
    std::vector<json> choices = grid_of(dimension, steps);
    std::vector<Values> longer;
    for (const Values &values : all) {
      if (!space.active(dimension, values)) {
        longer.push_back(values);
        continue;
      }
      if (longer.size() + choices.size() > most)
        return fail(fmt::format("the grid has more than {} combinations", most),
                    "fewer steps, or a search by lot: search = tpe(trials = 50)");
      for (const json &choice : choices) {
        longer.push_back(values);
        longer.back()[dimension.name] = choice;
      }
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace netc::tune
