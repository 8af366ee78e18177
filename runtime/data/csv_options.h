// The arguments of csv("file.csv", ...) and tsv(...), and the texts of single fields. They are listed in docs/data.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/data/arguments.h"
#include "support/result.h"

namespace netc::runtime {

struct CsvOptions {
  std::vector<std::string> target, features, drop, categorical, index, indicator, classes;
  std::vector<std::pair<std::string, std::vector<std::string>>> inputs;  // the columns of each input of the network
  std::string weight, group;
  MissingPolicy missing;
  bool header = true;
  char separator = ',';
};

Result<CsvOptions> csv_options(const nlohmann::json &call);

// An empty field, NA, N/A, NaN, nan, null or ?.
bool is_missing_value(std::string_view text);
// Without spaces and tabs at the ends.
std::string_view trimmed(std::string_view text);
// Nothing when the whole text is no number; an infinity when it is too large for f64.
std::optional<double> parse_number(std::string_view text);

}  // namespace netc::runtime
