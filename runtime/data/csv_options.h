// The arguments of csv("file.csv", ...) and tsv(...), and the texts of single fields.
//
//   target = "name" or ["a", "b"]   what is to be predicted; for a class: text, or whole numbers from 0
//   features = [...]                the columns to learn from, in this order; default: every other column
//   drop = [...]                    columns to leave out
//   categorical = [...]             text columns that become one 0/1 feature for each of their values, in order of the
//   alphabet classes = [...]                 names of the classes in order; default: the texts of the target in order
//   of the alphabet weight = "name"                 column of sample weights;  group = "name": samples that a split
//   keeps together missing = error, drop, mean     an empty field, NA, N/A, NaN, null or ? among the features header =
//   true                   false: the columns are called c0, c1, ... separator = ","                 tsv: a tab
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/arguments.h"
#include "support/result.h"

namespace netc::runtime {

struct CsvOptions {
  std::vector<std::string> target, features, drop, categorical, classes;
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
