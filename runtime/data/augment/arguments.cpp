#include "runtime/data/augment/arguments.h"

#include <cmath>
#include <limits>

#include "runtime/cli/text.h"
#include "runtime/data/arguments.h"
#include "runtime/train/values.h"

namespace netc::runtime {

using nlohmann::json;

const double kRequired = std::numeric_limits<double>::quiet_NaN();

namespace {

std::string shown(const json *value) { return value ? value->dump() : std::string("none"); }

// A number, or with a unit {"value": 10, "unit": "deg"}; nothing when it is none of both or outside of the limits.
std::optional<double> number_within(const json *value, double least, double most, const char *unit) {
  if (!value) return std::nullopt;
  const json *number = value;
  if (*unit) {
    if (!value->is_object() || value->value("unit", "") != unit || !value->contains("value")) return std::nullopt;
    number = &(*value)["value"];
  }
  if (!number->is_number()) return std::nullopt;
  double found = number->get<double>();
  return found >= least && found <= most ? std::optional(found) : std::nullopt;
}

}  // namespace

Result<double> number_argument(const json &call, const char *name, int position, double least, double most,
                               double otherwise, const char *example) {
  const json *value = argument(call, name, position);
  if (!value && !std::isnan(otherwise)) return otherwise;
  if (auto number = number_within(value, least, most, "")) return *number;
  return fail(format("%s: %s is a number from %g to %g, found %s", name_of(call).c_str(), name, least, most,
                     shown(value).c_str()),
              std::string("for example ") + example);
}

Result<Amount> amount_argument(const json &call, const char *name, int position, double limit, double otherwise,
                               const char *example, const char *unit) {
  const json *value = argument(call, name, position);
  if (!value && !std::isnan(otherwise)) return Amount{static_cast<float>(-otherwise), static_cast<float>(otherwise)};
  if (auto number = number_within(value, 0, limit, unit))
    return Amount{static_cast<float>(-*number), static_cast<float>(*number)};
  if (value && value->is_array() && value->size() == 2) {
    auto low = number_within(&(*value)[0], -limit, limit, unit),
         high = number_within(&(*value)[1], -limit, limit, unit);
    if (low && high && *low <= *high) return Amount{static_cast<float>(*low), static_cast<float>(*high)};
  }
  std::string space = *unit ? " " : "";
  return fail(format("%s: %s is a number a from 0 to %g%s%s, for all between -a and a, or a list of two, found %s",
                     name_of(call).c_str(), name, limit, space.c_str(), unit, shown(value).c_str()),
              std::string("for example ") + example);
}

Result<Fill> fill_argument(const json &call, FillMode otherwise) {
  Fill fill{otherwise};
  if (const json *mode = argument(call, "fill")) {
    std::string text = text_of(*mode).value_or(mode->dump());
    if (text == "reflect")
      fill.mode = FillMode::reflect;
    else if (text == "nearest")
      fill.mode = FillMode::nearest;
    else if (text == "constant")
      fill.mode = FillMode::constant;
    else
      return fail(name_of(call) + ": fill is reflect, nearest or constant, found " + in_quotes(text));
  }
  auto value = number_argument(call, "fill_value", -1, -1e30, 1e30, 0, "fill_value = 255");
  if (!value) return tl::unexpected(value.error());
  fill.value = static_cast<float>(*value);
  return fill;
}

}  // namespace netc::runtime
