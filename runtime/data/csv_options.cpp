#include "runtime/data/csv_options.h"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

namespace netc::runtime {

using nlohmann::json;

Result<CsvOptions> csv_options(const json &call) {
  if (auto known =
          check_named_arguments(call, {"target", "features", "drop", "categorical", "index", "indicator", "inputs",
                                       "classes", "weight", "group", "missing", "header", "separator"});
      !known)
    return tl::unexpected(known.error());
  CsvOptions options;
  struct List {
    const char *name;
    std::vector<std::string> *into;
  };
  for (auto [name, into] :
       {List{"target", &options.target}, List{"features", &options.features}, List{"drop", &options.drop},
        List{"categorical", &options.categorical}, List{"index", &options.index}, List{"indicator", &options.indicator},
        List{"classes", &options.classes}}) {
    auto texts = texts_argument(call, name);
    if (!texts) return tl::unexpected(texts.error());
    *into = std::move(*texts);
  }
  if (const json *inputs = named_argument(call, "inputs")) {
    for (const json &input : inputs->is_array() ? *inputs : json::array({*inputs})) {
      const json args = input.is_object() ? input.value("args", json()) : json();
      bool fits = call_name(input) == "input" && args.is_array() && args.size() == 2;
      auto name = fits ? text_of(args[0]) : std::nullopt;
      auto columns = fits ? texts_of(args[1]) : std::nullopt;
      if (!name || !columns)
        return fail(call_name(call) + ": inputs is a list of input(name, columns), found " + input.dump(),
                    "for example inputs = [input(\"numbers\", [\"age\", \"income\"]), input(\"place\", \"city\")]");
      options.inputs.emplace_back(std::move(*name), std::move(*columns));
    }
  }
  auto weight = text_argument(call, "weight", "");
  auto group = text_argument(call, "group", "");
  auto missing = missing_argument(call);
  auto header = boolean_argument(call, "header", true);
  auto separator = text_argument(call, "separator", call_name(call) == "tsv" ? "\t" : ",");
  if (!weight) return tl::unexpected(weight.error());
  if (!group) return tl::unexpected(group.error());
  if (!missing) return tl::unexpected(missing.error());
  if (!header) return tl::unexpected(header.error());
  if (!separator) return tl::unexpected(separator.error());
  if (*separator == "\\t" || *separator == "tab") separator = "\t";
  if (separator->size() != 1 || *separator == "\"" || *separator == "\n" || *separator == "\r")
    return fail(call_name(call) + ": separator is one character, found " + in_quotes(*separator));
  options.weight = *weight;
  options.group = *group;
  options.missing = *missing;
  options.header = *header;
  options.separator = (*separator)[0];
  return options;
}

bool is_missing_value(std::string_view text) {
  for (std::string_view word : {"", "NA", "N/A", "NaN", "nan", "null", "?"})
    if (text == word) return true;
  return false;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<double> parse_number(std::string_view text) {
  text = trimmed(text);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {  // too large, or smaller than any double
    bool small = false;
    for (size_t i = 0; i + 1 < text.size(); ++i) small |= (text[i] == 'e' || text[i] == 'E') && text[i + 1] == '-';
    return small ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace netc::runtime
