// What a search varies: the params of a `.net` file that have a space, as the metadata describes them.
//
// Every dimension is drawn from the unit interval: `from_unit` turns a number in [0, 1) into a value such that a
// uniform number gives the distribution the space says (uniform, log-uniform, each whole number or choice alike),
// `to_unit` gives the middle of what becomes a value.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/result.h"

namespace netc::tune {

// The values of the params that a trial decides; one whose condition does not hold is not among them.
using Values = std::map<std::string, nlohmann::json>;

struct Dimension {
  enum class Kind { real, integer, choice };
  std::string name;
  Kind kind = Kind::real;
  double low = 0, high = 0;  // both ends belong to it
  bool logarithmic = false;
  std::vector<nlohmann::json> choices;
  nlohmann::json condition;  // docs/metadata.md; null: always varied
  nlohmann::json fallback;   // the value in the file

  // How many values it has; 0: a continuum.
  int64_t count() const;
  nlohmann::json from_unit(double unit) const;
  double to_unit(const nlohmann::json &value) const;
};

struct Space {
  std::vector<Dimension> dimensions;  // in the order of their declaration: a condition asks for earlier ones
  Values constants;                   // all params with the values in the file

  // Whether a trial with these values (of the dimensions before) varies the dimension.
  bool active(const Dimension &dimension, const Values &values) const;
};

// Of `parameters` of the metadata. The params in `fixed` have one value and are no dimension.
Space space_of(const nlohmann::json &parameters, const std::map<std::string, std::string> &fixed);

// A value as netc -D and --set take it, and as it is written in a table: "0.003", "sgd". A real number always has a
// point or an exponent, so that it is read as real.
std::string value_text(const nlohmann::json &value);

}  // namespace netc::tune
