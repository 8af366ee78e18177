// Reader of tables: csv("file.csv", target = "species") and tsv(...). The optional part "csv".
// Its arguments are in csv_options.h.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "runtime/data/arguments.h"
#include "runtime/data/csv_options.h"
#include "runtime/data/csv_scanner.h"
#include "runtime/data/labels.h"
#include "runtime/data/module.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

using Names = std::vector<std::string>;
using Options = CsvOptions;

// Reads one file. The members are filled in the order of the functions.
class Table {
 public:
  Table(const ReadRequest &request, Options options, std::string path, std::string_view text)
      : request_(request),
        options_(std::move(options)),
        path_(std::move(path)),
        scanner_(path_, text, options_.separator) {
    classes_.file = path_;
  }

  Result<RawData> read() {
    if (auto done = read_header(); !done) return tl::unexpected(done.error());
    if (auto done = choose_columns(); !done) return tl::unexpected(done.error());
    if (auto done = read_rows(); !done) return tl::unexpected(done.error());
    if (rows_ == 0) return fail(path_ + ": no samples in it");
    if (auto done = number_classes(); !done) return tl::unexpected(done.error());
    if (auto done = expand_categories(); !done) return tl::unexpected(done.error());
    return finish();
  }

 private:
  static int32_t number_of(TextColumn &texts, const CsvField &field) {
    return texts.number_of(trimmed(field.text), field.line, field.column);
  }

  Result<void> read_header() {
    std::vector<CsvField> fields;
    auto more = scanner_.next(fields);
    if (!more) return tl::unexpected(more.error());
    if (!*more) return fail(path_ + ": the file is empty");
    std::set<std::string> seen;
    for (size_t i = 0; i < fields.size(); ++i) {
      std::string name(trimmed(fields[i].text));
      if (!options_.header || name.empty()) name = "c" + std::to_string(i);
      if (!is_utf8(name)) return not_utf8(fields[i].line, fields[i].column);
      if (!seen.insert(name).second)
        return fail(scanner_.place(fields[i]) + "the column " + in_quotes(name) + " is there twice");
      columns_.push_back(std::move(name));
    }
    if (!options_.header) first_row_ = std::move(fields);
    return {};
  }

  tl::unexpected<Error> not_utf8(int64_t line, int64_t column) const {
    return fail(scanner_.place(line, column) + "this name is not UTF-8 text",
                "convert the file: iconv -f latin1 -t utf-8");
  }

  Result<size_t> column(const std::string &name, const char *role) const {
    auto found = std::find(columns_.begin(), columns_.end(), name);
    if (found != columns_.end()) return static_cast<size_t>(found - columns_.begin());
    std::string help = "the columns are " + listed(columns_);
    if (std::string near = nearest_word(name, columns_); !near.empty())
      help = "did you mean " + near + "?";
    else if (columns_.size() == 1 && columns_[0].find(';') != std::string::npos)
      help = "set separator = \";\"";
    else if (columns_.size() == 1 && columns_[0].find('\t') != std::string::npos)
      help = "use tsv(...)";
    else if (options_.header && parse_number(columns_[0]))
      help += "; a file without a header needs header = false";
    return fail(path_ + ": no column " + in_quotes(name) + " (" + role + ")", help);
  }

  Result<void> choose_columns() {
    std::set<size_t> used;
    const auto choose = [&](const Names &names, const char *role, std::vector<size_t> &into) -> Result<void> {
      for (const std::string &name : names) {
        auto found = column(name, role);
        if (!found) return tl::unexpected(found.error());
        if (!used.insert(*found).second)
          return fail(path_ + ": the column " + in_quotes(name) + " has two uses, one of them as " + role);
        into.push_back(*found);
      }
      return {};
    };
    const auto optional = [&](const std::string &name) { return name.empty() ? Names{} : Names{name}; };
    std::vector<size_t> dropped;
    if (request_.needs_targets) {
      if (options_.target.empty())
        return fail(call_name(*request_.call) + " needs a target: the name of the column to predict",
                    "the columns are " + listed(columns_) + "; for example target = \"" + columns_.back() + "\"");
      if (auto done = choose(options_.target, "target", targets_); !done) return done;
      if (request_.targets_are_classes && targets_.size() != 1)
        return fail(path_ + ": a class has one target column, found " + std::to_string(targets_.size()));
      if (auto done = choose(optional(options_.weight), "weight", weight_); !done) return done;
      if (auto done = choose(optional(options_.group), "group", group_); !done) return done;
      if (auto done = choose(options_.drop, "drop", dropped); !done) return done;
    }
    Names features = request_.schema.features.empty() ? options_.features : request_.schema.features;
    if (features.empty()) {
      for (size_t i = 0; i < columns_.size(); ++i)
        if (!used.contains(i)) features.push_back(columns_[i]);
      if (!request_.needs_targets) {
        std::erase_if(features, [&](const std::string &name) {
          return name == options_.weight || name == options_.group ||
                 std::count(options_.target.begin(), options_.target.end(), name) +
                         std::count(options_.drop.begin(), options_.drop.end(), name) >
                     0;
        });
      }
    }
    if (features.empty()) return fail(path_ + ": no column is left for the features");
    if (auto done = choose(features, "feature", features_); !done) return done;
    feature_names_ = std::move(features);
    categories_.resize(features_.size());
    for (const std::string &name : options_.categorical) {
      auto found = std::find(feature_names_.begin(), feature_names_.end(), name);
      if (found == feature_names_.end()) {
        std::string near = nearest_word(name, feature_names_);
        return fail(path_ + ": the categorical column " + in_quotes(name) + " is no feature",
                    near.empty() ? "the features are " + listed(feature_names_) : "did you mean " + near + "?");
      }
      categories_[static_cast<size_t>(found - feature_names_.begin())].emplace(TextColumn{path_, {}, {}});
    }
    return {};
  }

  Result<void> read_rows() {
    std::vector<CsvField> fields = std::move(first_row_);
    bool more = !fields.empty();
    for (;;) {
      if (!more) {
        auto next = scanner_.next(fields);
        if (!next) return tl::unexpected(next.error());
        if (!*next) return {};
      }
      more = false;
      if (fields.size() != columns_.size())
        return fail(scanner_.place(fields[0]) + std::to_string(fields.size()) +
                        (fields.size() == 1 ? " field" : " fields") + ", expected " + std::to_string(columns_.size()) +
                        (options_.header ? " as in the header" : " as in the first line"),
                    fields.size() > columns_.size() ? "a field that holds the separator has to be in quotes" : "");
      if (rows_ == std::numeric_limits<int32_t>::max()) return fail(path_ + ": more than 2147483647 rows");
      size_t features_before = values_.size();
      auto keep = read_row(fields);
      if (!keep) return tl::unexpected(keep.error());
      if (*keep)
        ++rows_;
      else
        values_.resize(features_before);
    }
  }

  // False: the row has a missing value and is left out.
  Result<bool> read_row(const std::vector<CsvField> &fields) {
    for (size_t i = 0; i < features_.size(); ++i) {
      const CsvField &field = fields[features_[i]];
      if (is_missing_value(trimmed(field.text))) {
        if (options_.missing.kind == Missing::error || categories_[i])
          return fail(scanner_.place(field) + "a value is missing" + of_column(features_[i]),
                      "missing = drop leaves such rows out, missing = mean fills them");
        if (options_.missing.kind == Missing::drop) return false;
        has_missing_ = true;
        values_.push_back(std::numeric_limits<float>::quiet_NaN());
      } else if (categories_[i]) {
        values_.push_back(static_cast<float>(number_of(*categories_[i], field)));
      } else {
        auto value = read_number(field, features_[i]);
        if (!value) return tl::unexpected(value.error());
        values_.push_back(*value);
      }
    }
    for (size_t index : targets_)
      if (is_missing_value(trimmed(fields[index].text))) {
        if (options_.missing.kind == Missing::drop) return false;
        return fail(scanner_.place(fields[index]) + "the target is missing" + of_column(index),
                    "missing = drop leaves such rows out");
      }
    for (size_t index : targets_) {
      if (has_named_classes()) {
        class_texts_.push_back(number_of(classes_, fields[index]));
        if (classes_.numbers.size() > 65536)
          return fail(scanner_.place(fields[index]) + "more than 65536 classes" + of_column(index));
        continue;
      }
      auto value = read_number(fields[index], index);
      if (!value) return tl::unexpected(value.error());
      target_values_.push_back(*value);
    }
    for (size_t index : weight_) {
      auto value = read_number(fields[index], index);
      if (!value) return tl::unexpected(value.error());
      if (*value < 0) return fail(scanner_.place(fields[index]) + "a sample weight is negative" + of_column(index));
      weights_.push_back(*value);
    }
    for (size_t index : group_) groups_.push_back(number_of(group_names_, fields[index]));
    return true;
  }

  std::string of_column(size_t index) const { return " (column " + columns_[index] + ")"; }

  Result<float> read_number(const CsvField &field, size_t index) const {
    auto value = parse_number(field.text);
    if (!value) {
      bool comma = field.text.find(',') != std::string::npos;
      return fail(scanner_.place(field) + in_quotes(field.text) + " is not a number" + of_column(index),
                  comma ? "write the decimal point as a point"
                        : "drop = [\"" + columns_[index] + "\"] leaves the column out, categorical = [\"" +
                              columns_[index] + "\"] takes it as text");
    }
    float result = static_cast<float>(*value);
    if (!std::isfinite(result))
      return fail(scanner_.place(field) + in_quotes(field.text) + " is too large for f32" + of_column(index));
    return result;
  }

  // Texts become classes for a class target, and for a number target that names its classes (0 and 1 of a binary loss).
  bool has_named_classes() const {
    return request_.targets_are_classes || !options_.classes.empty() || !request_.schema.classes.empty();
  }

  Result<void> number_classes() {
    if (targets_.empty() || !has_named_classes()) {
      class_names_ = request_.schema.classes;
      return {};
    }
    auto classes = name_classes(request_, options_.classes, classes_, columns_[targets_[0]]);
    if (!classes) return tl::unexpected(classes.error());
    class_names_ = std::move(classes->names);
    for (int32_t &text : class_texts_) text = classes->index_of[static_cast<size_t>(text)];
    return {};
  }

  // One 0/1 feature for each category in place of its number.
  Result<void> expand_categories() {
    bool any = std::any_of(categories_.begin(), categories_.end(), [](const auto &c) { return c.has_value(); });
    if (!any) return {};
    category_names_.resize(features_.size());
    std::vector<std::vector<int32_t>> index_of(features_.size());
    size_t width = 0;
    for (size_t i = 0; i < features_.size(); ++i) {
      if (!categories_[i]) {
        ++width;
        continue;
      }
      if (auto done = categories_[i]->check_utf8(); !done) return done;
      Names &names = category_names_[i];
      if (i < request_.schema.categories.size()) names = request_.schema.categories[i];
      if (names.empty())
        for (const auto &item : categories_[i]->numbers) names.push_back(item.first);
      index_of[i].resize(categories_[i]->numbers.size());
      for (const auto &[text, first] : categories_[i]->numbers) {
        auto found = std::find(names.begin(), names.end(), text);
        if (found == names.end())
          return fail(categories_[i]->place(first) + in_quotes(text) + " was not in the training data" +
                          of_column(features_[i]),
                      "known are " + listed(names));
        index_of[i][static_cast<size_t>(first)] = static_cast<int32_t>(found - names.begin());
      }
      width += names.size();
    }
    if (width * static_cast<size_t>(rows_) > size_t{1} << 34)
      return fail(path_ + ": the categories make " + std::to_string(width) + " features, too many");
    std::vector<float> expanded;
    expanded.reserve(width * static_cast<size_t>(rows_));
    for (size_t at = 0; at < values_.size(); ++at) {
      size_t i = at % features_.size();
      if (!categories_[i]) {
        expanded.push_back(values_[at]);
        continue;
      }
      size_t begin = expanded.size();
      expanded.resize(begin + category_names_[i].size(), 0.0f);
      expanded[begin + static_cast<size_t>(index_of[i][static_cast<size_t>(values_[at])])] = 1.0f;
    }
    values_ = std::move(expanded);
    return {};
  }

  RawData finish() {
    RawData data;
    data.source = path_;
    data.features.count = rows_;
    data.features.shape = {static_cast<int64_t>(values_.size()) / rows_};
    data.features.values = std::move(values_);
    if (!targets_.empty()) {
      data.targets.count = rows_;
      if (request_.targets_are_classes) {
        data.targets.values = std::move(class_texts_);
      } else {
        data.targets.shape = {static_cast<int64_t>(targets_.size())};
        if (has_named_classes()) target_values_.assign(class_texts_.begin(), class_texts_.end());
        data.targets.values = std::move(target_values_);
      }
    }
    data.weights = std::move(weights_);
    data.groups.assign(groups_.begin(), groups_.end());
    data.schema = {std::move(feature_names_), std::move(class_names_), std::move(category_names_)};
    data.missing = options_.missing;
    data.has_missing = has_missing_;
    return data;
  }

  const ReadRequest &request_;
  Options options_;
  std::string path_;
  CsvScanner scanner_;
  Names columns_;
  std::vector<CsvField> first_row_;  // of a file without a header
  std::vector<size_t> features_, targets_, weight_, group_;
  Names feature_names_, class_names_;
  std::vector<std::optional<TextColumn>> categories_;  // by feature
  std::vector<Names> category_names_;
  TextColumn classes_, group_names_;
  int64_t rows_ = 0;
  bool has_missing_ = false;
  std::vector<float> values_, target_values_, weights_;
  std::vector<int32_t> class_texts_, groups_;
};

Result<RawData> read_csv(const ReadRequest &request) {
  std::string usage = call_name(*request.call) + "(\"file.csv\", target = \"name\")";
  auto paths = path_arguments(*request.call, 1, 1, usage);
  if (!paths) return tl::unexpected(paths.error());
  auto options = csv_options(*request.call);
  if (!options) return tl::unexpected(options.error());
  auto text = read_data_file(request, (*paths)[0]);
  if (!text) return tl::unexpected(text.error());
  return Table(request, std::move(*options), (*paths)[0], *text).read();
}

}  // namespace
}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_csv = {{"reader", "csv"}, netc::runtime::read_csv};
