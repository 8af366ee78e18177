#include "runtime/train/values.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace netc::runtime {

using nlohmann::json;

std::string name_of(const json &value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object()) return {};
  for (const char *key : {"call", "name"}) {
    if (auto found = value.find(key); found != value.end() && found->is_string()) return found->get<std::string>();
  }
  return {};
}

const json *argument(const json &call, const char *name, int position) {
  if (!call.is_object()) return nullptr;
  if (auto named = call.find("named"); named != call.end() && named->is_object()) {
    if (auto found = named->find(name); found != named->end()) return found->is_null() ? nullptr : &*found;
  }
  auto list = call.find("args");
  if (position < 0 || list == call.end() || !list->is_array() || static_cast<size_t>(position) >= list->size()) {
    return nullptr;
  }
  const json &value = (*list)[static_cast<size_t>(position)];
  return value.is_null() ? nullptr : &value;
}

double number_or(const json *value, double fallback) {
  if (!value) return fallback;
  if (value->is_number()) return value->get<double>();
  if (value->is_object()) {
    if (auto found = value->find("value"); found != value->end() && found->is_number()) return found->get<double>();
  }
  return fallback;
}

int64_t whole_or(const json *value, int64_t fallback) {
  if (value && value->is_object() && value->contains("value")) value = &(*value)["value"];
  if (value && value->is_number_integer()) return value->get<int64_t>();
  double number = number_or(value, NAN);
  return std::isnan(number) ? fallback : static_cast<int64_t>(std::clamp(number, -0x1p62, 0x1p62));
}

std::string name_or(const json *value, const std::string &fallback) {
  std::string name = value ? name_of(*value) : "";
  return name.empty() ? fallback : name;
}

bool boolean_or(const json *value, bool fallback) {
  return value && value->is_boolean() ? value->get<bool>() : fallback;
}

std::optional<double> seconds_in_unit(std::string_view unit) {
  if (unit.empty() || unit == "s" || unit == "second" || unit == "seconds") return 1;
  if (unit == "min" || unit == "minute" || unit == "minutes") return 60;
  if (unit == "h" || unit == "hour" || unit == "hours") return 3600;
  if (unit == "d" || unit == "day" || unit == "days") return 86400;
  return std::nullopt;
}

std::optional<double> seconds_of(const json &value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_object() || !value.contains("value") || !value["value"].is_number()) return std::nullopt;
  auto unit = seconds_in_unit(value.value("unit", std::string()));
  return unit ? std::optional(value["value"].get<double>() * *unit) : std::nullopt;
}

json number_to_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double number_from_json(const json &value) {
  if (value.is_number()) return value.get<double>();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace netc::runtime
