#include "tools/netc/tune/space.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace netc::tune {
namespace {

using nlohmann::json;

// The value rounded to three or four digits that tell values of its range apart, so that a person can read it.
double neat(double value, const Dimension &dimension) {
  double scale = dimension.high - dimension.low;
  if (dimension.logarithmic) scale = std::min(scale, value);
  if (scale <= 0) return dimension.low;
  int decimals = static_cast<int>(-std::floor(std::log10(scale / 1000)));
  std::string text = fmt::format("{:.{}f}", value, std::clamp(decimals, 0, 300));
  double rounded = value;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return std::clamp(rounded, dimension.low, dimension.high);
}

// The interval that whole numbers of a range are rounded from: each gets its share.
double lower_edge(const Dimension &dimension) { return dimension.low - 0.5; }
double upper_edge(const Dimension &dimension) { return dimension.high + 0.5; }

json value_of(const json &operand, const Space &space, const Values &values) {
  if (!operand.is_object()) return operand;
  std::string name = operand["param"];
  auto given = values.find(name);
  if (given != values.end()) return given->second;
  auto constant = space.constants.find(name);
  return constant == space.constants.end() ? json() : constant->second;
}

bool holds(const json &condition, const Space &space, const Values &values) {
  if (condition.contains("param")) return value_of(condition, space, values) == json(true);
  std::string op = condition["op"];
  const json &operands = condition["operands"];
  if (op == "not") return !holds(operands[0], space, values);
  if (op == "and") return holds(operands[0], space, values) && holds(operands[1], space, values);
  if (op == "or") return holds(operands[0], space, values) || holds(operands[1], space, values);
  json left = value_of(operands[0], space, values), right = value_of(operands[1], space, values);
  if (op == "==") return left == right;
  if (op == "!=") return left != right;
  if (op == "<") return left < right;
  if (op == "<=") return left <= right;
  return op == ">" ? left > right : left >= right;
}

}  // namespace

int64_t Dimension::count() const {
  if (kind == Kind::choice) return static_cast<int64_t>(choices.size());
  return kind == Kind::integer ? static_cast<int64_t>(high - low) + 1 : 0;
}

json Dimension::from_unit(double unit) const {
  unit = std::clamp(unit, 0.0, 1.0);
  if (kind == Kind::choice)
    return choices[std::min(static_cast<size_t>(unit * static_cast<double>(choices.size())), choices.size() - 1)];
  double begin = kind == Kind::integer ? lower_edge(*this) : low,
         end = kind == Kind::integer ? upper_edge(*this) : high;
  double value =
      logarithmic ? std::exp(std::log(begin) + unit * (std::log(end) - std::log(begin))) : begin + unit * (end - begin);
  if (kind == Kind::integer) return static_cast<int64_t>(std::clamp(std::round(value), low, high));
  return neat(std::clamp(value, low, high), *this);
}

double Dimension::to_unit(const json &value) const {
  if (kind == Kind::choice) {
    auto place = std::find(choices.begin(), choices.end(), value) - choices.begin();
    return (static_cast<double>(place) + 0.5) / static_cast<double>(choices.size());
  }
  double number = std::clamp(value.get<double>(), low, high);
  double begin = kind == Kind::integer ? lower_edge(*this) : low,
         end = kind == Kind::integer ? upper_edge(*this) : high;
  if (end <= begin) return 0.5;
  if (logarithmic) return (std::log(number) - std::log(begin)) / (std::log(end) - std::log(begin));
  return (number - begin) / (end - begin);
}

bool Space::active(const Dimension &dimension, const Values &values) const {
  return dimension.condition.is_null() || holds(dimension.condition, *this, values);
}

Space space_of(const json &parameters, const std::map<std::string, std::string> &fixed) {
  Space space;
  for (const json &parameter : parameters) {
    std::string name = parameter["name"];
    space.constants[name] = parameter["value"];
    const json &described = parameter["space"];
    if (!described.is_object() || fixed.count(name) != 0) continue;
    Dimension dimension;
    dimension.name = name;
    dimension.condition = parameter["condition"];
    dimension.fallback = parameter["value"];
    if (described["kind"] == "choice") {
      dimension.kind = Dimension::Kind::choice;
      dimension.choices = described["values"].get<std::vector<json>>();
      if (parameter["kind"] == "real")
        for (json &choice : dimension.choices) choice = choice.get<double>();
    } else {
      dimension.kind = described["integer"].get<bool>() ? Dimension::Kind::integer : Dimension::Kind::real;
      dimension.low = described["low"];
      dimension.high = described["high"];
      dimension.logarithmic = described["log"];
    }
    if (parameter["kind"] == "real") dimension.fallback = dimension.fallback.get<double>();
    space.dimensions.push_back(std::move(dimension));
  }
  return space;
}

std::string value_text(const json &value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number_float()) return value.dump();
  std::string text = fmt::format("{}", value.get<double>());
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

}  // namespace netc::tune
