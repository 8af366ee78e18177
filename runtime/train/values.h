// Reading the values of a section as docs/metadata.md writes them: calls, names, quantities.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace netc::runtime {

// "adam" of {"call": "adam", ...}, of {"name": "adam"} and of "adam"; "" of anything else.
std::string name_of(const nlohmann::json &value);
// The argument called `name`, or else the positional one; null when it is not given
// or `none`.
const nlohmann::json *argument(const nlohmann::json &call, const char *name, int position = -1);
// A number, with or without a unit; the fallback when it is none.
double number_or(const nlohmann::json *value, double fallback);
// The same of a whole number; a real one is cut, and kept within 64 bits.
int64_t whole_or(const nlohmann::json *value, int64_t fallback);
std::string name_or(const nlohmann::json *value, const std::string &fallback);
bool boolean_or(const nlohmann::json *value, bool fallback);
// Seconds of a number with a unit of time ("s", "min", "h", "days"; a bare number counts seconds); none for another
// unit.
std::optional<double> seconds_of(const nlohmann::json &value);
std::optional<double> seconds_in_unit(std::string_view unit);

// A double that survives JSON whatever it is: numbers as they are, "nan", "inf" and "-inf" as strings.
nlohmann::json number_to_json(double value);
double number_from_json(const nlohmann::json &value);

}  // namespace netc::runtime
