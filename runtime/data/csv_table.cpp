#include "runtime/data/csv_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "runtime/data/arguments.h"
#include "runtime/data/fingerprint.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

int32_t number_of(TextColumn &texts, const CsvField &field) {
  return texts.number_of(trimmed(field.text), field.line, field.column);
}

bool contains(const std::vector<std::string> &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

CsvTable::CsvTable(const ReadRequest &request, CsvOptions options, std::string path)
    : request_(request), options_(std::move(options)), path_(std::move(path)), reader_(call_name(*request.call)) {
  classes_.file = path_;
}

Result<void> CsvTable::open(CsvScanner &scanner) {
  if (auto done = read_header(scanner); !done) return done;
  return choose_columns();
}

Result<void> CsvTable::read_header(CsvScanner &scanner) {
  std::vector<CsvField> fields;
  auto more = scanner.next(fields);
  if (!more) return tl::unexpected(more.error());
  if (!*more) return fail(path_ + ": the file is empty");
  std::set<std::string> seen;
  for (size_t i = 0; i < fields.size(); ++i) {
    std::string name(trimmed(fields[i].text));
    if (!options_.header || name.empty()) name = "c" + std::to_string(i);
    if (!is_utf8(name))
      return fail(scanner.place(fields[i]) + "this name is not UTF-8 text",
                  "convert the file: iconv -f latin1 -t utf-8");
    if (!seen.insert(name).second)
      return fail(scanner.place(fields[i]) + "the column " + in_quotes(name) + " is there twice");
    columns_.push_back(std::move(name));
  }
  if (!options_.header) first_row_ = std::move(fields);
  return {};
}

Result<size_t> CsvTable::column(const std::string &name, const char *role) const {
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

Result<void> CsvTable::choose_columns() {
  std::vector<bool> used(columns_.size());
  const auto choose = [&](const Names &names, const char *role, std::vector<size_t> &into) -> Result<void> {
    for (const std::string &name : names) {
      auto found = column(name, role);
      if (!found) return tl::unexpected(found.error());
      if (used[*found])
        return fail(path_ + ": the column " + in_quotes(name) + " has two uses, one of them as " + role);
      used[*found] = true;
      into.push_back(*found);
    }
    return {};
  };
  const auto optional = [&](const std::string &name) { return name.empty() ? Names{} : Names{name}; };
  std::vector<size_t> dropped, chosen;
  if (request_.needs_targets) {
    if (options_.target.empty())
      return fail(reader_ + " needs a target: the name of the column to predict",
                  "the columns are " + listed(columns_) + "; for example target = \"" + columns_.back() + "\"");
    if (auto done = choose(options_.target, "target", targets_); !done) return done;
    if (request_.targets_are_classes && targets_.size() != 1)
      return fail(path_ + ": a class has one target column, found " + std::to_string(targets_.size()));
    if (auto done = choose(optional(options_.weight), "weight", weight_); !done) return done;
    if (auto done = choose(optional(options_.group), "group", group_); !done) return done;
    if (auto done = choose(options_.drop, "drop", dropped); !done) return done;
  }
  auto names = feature_names(used);
  if (!names) return tl::unexpected(names.error());
  if (auto done = choose(*names, "feature", chosen); !done) return done;
  for (size_t index : chosen) features_.emplace_back().column = index;
  return mark_features(*names);
}

// Of all features in order; `used` are the columns that are something else.
Result<CsvTable::Names> CsvTable::feature_names(const std::vector<bool> &used) const {
  if (!request_.schema.features.empty()) return request_.schema.features;
  Names names = options_.features;
  for (const auto &[input, columns] : options_.inputs) {
    if (!options_.features.empty())
      return fail(reader_ + ": features and inputs both name the columns", "leave features out");
    names.insert(names.end(), columns.begin(), columns.end());
  }
  if (names.empty())
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string &name = columns_[i];
      // For predict the columns of the targets may be there, and mean nothing.
      if (!used[i] && name != options_.weight && name != options_.group && !contains(options_.target, name) &&
          !contains(options_.drop, name))
        names.push_back(name);
    }
  if (names.empty()) return fail(path_ + ": no column is left for the features");
  return in_order_of_inputs(names);
}

// The inputs of a network take the elements in turn, so the columns come in the order of the inputs: as `inputs` says,
// or indices to the inputs of whole numbers and all others to the one of reals.
Result<CsvTable::Names> CsvTable::in_order_of_inputs(const Names &names) const {
  Names ordered;
  if (!options_.inputs.empty()) {
    Names known;
    for (const Field &input : request_.inputs) known.push_back(input.name);
    for (const auto &[name, columns] : options_.inputs)
      if (!contains(known, name))
        return fail(reader_ + ": the network has no input " + in_quotes(name), "its inputs are " + listed(known));
    for (const std::string &input : known) {
      size_t before = ordered.size();
      for (const auto &[name, columns] : options_.inputs)
        if (name == input) ordered.insert(ordered.end(), columns.begin(), columns.end());
      if (ordered.size() == before)
        return fail(reader_ + ": inputs names no columns for " + in_quotes(input), "add input(\"" + input + "\", ...)");
    }
    return ordered;
  }
  if (options_.index.empty() || request_.inputs.size() < 2) return names;
  int64_t of_reals = 0;
  for (const Field &input : request_.inputs) of_reals += input.dtype == "f32";
  Names indices, others;
  for (const std::string &name : names) (contains(options_.index, name) ? indices : others).push_back(name);
  if (of_reals > 1)
    return fail(reader_ + ": several inputs take numbers: say which columns each of them takes",
                "inputs = [input(\"" + request_.inputs[0].name + "\", [...]), ...]");
  size_t next = 0;
  for (const Field &input : request_.inputs) {
    if (input.dtype == "f32") {
      ordered.insert(ordered.end(), others.begin(), others.end());
      continue;
    }
    int64_t count = 1;
    for (int64_t size : input.shape) count *= size;
    for (; count > 0 && next < indices.size(); --count) ordered.push_back(indices[next++]);
  }
  ordered.insert(ordered.end(), indices.begin() + static_cast<std::ptrdiff_t>(next), indices.end());
  return ordered;
}

Result<void> CsvTable::mark_features(const Names &names) {
  const auto mark = [&](const Names &chosen, const char *kind, auto &&set) -> Result<void> {
    for (const std::string &name : chosen) {
      auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) {
        std::string near = nearest_word(name, names);
        return fail(path_ + ": the " + kind + " column " + in_quotes(name) + " is no feature",
                    near.empty() ? "the features are " + listed(names) : "did you mean " + near + "?");
      }
      Feature &feature = features_[static_cast<size_t>(found - names.begin())];
      if (feature.texts && kind != std::string_view("indicator"))
        return fail(path_ + ": the column " + in_quotes(name) + " is categorical and an index: choose one");
      set(feature);
    }
    return {};
  };
  const auto take_texts = [&](Feature &feature) { feature.texts.emplace(TextColumn{path_, {}, {}}); };
  if (auto done = mark(options_.categorical, "categorical", take_texts); !done) return done;
  if (auto done = mark(options_.index, "index",
                       [&](Feature &feature) {
                         take_texts(feature);
                         feature.indexed = true;
                       });
      !done)
    return done;
  return mark(options_.indicator, "indicator", [](Feature &feature) { feature.indicated = true; });
}

Result<void> CsvTable::read_rows(CsvScanner &scanner) {
  std::vector<CsvField> fields = std::move(first_row_);
  first_row_.clear();
  bool more = !fields.empty();
  for (;;) {
    if (!more) {
      auto next = scanner.next(fields);
      if (!next) return tl::unexpected(next.error());
      if (!*next) return {};
    }
    more = false;
    if (fields.size() != columns_.size())
      return fail(scanner.place(fields[0]) + std::to_string(fields.size()) +
                      (fields.size() == 1 ? " field" : " fields") + ", expected " + std::to_string(columns_.size()) +
                      (options_.header ? " as in the header" : " as in the first line"),
                  fields.size() > columns_.size() ? "a field that holds the separator has to be in quotes" : "");
    if (rows_ == std::numeric_limits<int32_t>::max()) return fail(path_ + ": more than 2147483647 rows");
    size_t features_before = values_.size();
    auto keep = read_row(scanner, fields);
    if (!keep) return tl::unexpected(keep.error());
    if (*keep)
      ++rows_;
    else
      values_.resize(features_before);
  }
}

// False: the row has a missing value and is left out.
Result<bool> CsvTable::read_row(const CsvScanner &scanner, const std::vector<CsvField> &fields) {
  for (Feature &feature : features_) {
    auto keep = read_feature(scanner, fields[feature.column], feature);
    if (!keep || !*keep) return keep;
  }
  for (size_t index : targets_)
    if (is_missing_value(trimmed(fields[index].text))) {
      if (options_.missing.kind == Missing::drop) return false;
      return fail(scanner.place(fields[index]) + "the target is missing" + of_column(index),
                  "missing = drop leaves such rows out");
    }
  for (size_t index : targets_) {
    if (has_named_classes()) {
      class_texts_.push_back(number_of(classes_, fields[index]));
      if (classes_.numbers.size() > 65536)
        return fail(scanner.place(fields[index]) + "more than 65536 classes" + of_column(index));
      continue;
    }
    auto value = read_number(scanner, fields[index], index);
    if (!value) return tl::unexpected(value.error());
    target_values_.push_back(*value);
  }
  for (size_t index : weight_) {
    auto value = read_number(scanner, fields[index], index);
    if (!value) return tl::unexpected(value.error());
    if (*value < 0) return fail(scanner.place(fields[index]) + "a sample weight is negative" + of_column(index));
    weights_.push_back(*value);
  }
  for (size_t index : group_) groups_.push_back(static_cast<int64_t>(fingerprint(trimmed(fields[index].text))));
  return true;
}

// A missing value is NaN until it is filled. Of a category it stays none of them.
Result<bool> CsvTable::read_feature(const CsvScanner &scanner, const CsvField &field, Feature &feature) {
  if (is_missing_value(trimmed(field.text))) {
    if (options_.missing.kind == Missing::error)
      return fail(scanner.place(field) + "a value is missing" + of_column(feature.column),
                  "missing = drop leaves such rows out, missing = mean fills them");
    if (options_.missing.kind == Missing::drop) return false;
    has_missing_ |= !feature.texts;
    values_.push_back(std::numeric_limits<float>::quiet_NaN());
  } else if (feature.texts) {
    values_.push_back(static_cast<float>(number_of(*feature.texts, field)));
    if (feature.texts->numbers.size() > size_t{1} << 24)
      return fail(scanner.place(field) + "more than 16777216 categories" + of_column(feature.column));
  } else {
    auto value = read_number(scanner, field, feature.column);
    if (!value) return tl::unexpected(value.error());
    values_.push_back(*value);
  }
  return true;
}

Result<float> CsvTable::read_number(const CsvScanner &scanner, const CsvField &field, size_t index) const {
  auto value = parse_number(field.text);
  if (!value) {
    bool comma = field.text.find(',') != std::string::npos;
    return fail(scanner.place(field) + in_quotes(field.text) + " is not a number" + of_column(index),
                comma ? "write the decimal point as a point"
                      : "drop = [\"" + columns_[index] + "\"] leaves the column out, categorical = [\"" +
                            columns_[index] + "\"] takes it as text");
  }
  float result = static_cast<float>(*value);
  if (!std::isfinite(result))
    return fail(scanner.place(field) + in_quotes(field.text) + " is too large for f32" + of_column(index));
  return result;
}

// Texts become classes for a class target, and for a number target that names its classes (0 and 1 of a binary loss).
bool CsvTable::has_named_classes() const {
  return request_.targets_are_classes || !options_.classes.empty() || !request_.schema.classes.empty();
}

// The categories are those of the schema, or all that were met, in the order of the alphabet.
Result<void> CsvTable::settle_categories(Feature &feature) {
  if (!feature.texts) return {};
  if (auto done = feature.texts->check_utf8(); !done) return done;
  Names &names = feature.categories;
  size_t number = static_cast<size_t>(&feature - features_.data());
  if (number < request_.schema.categories.size()) names = request_.schema.categories[number];
  if (names.empty())
    for (const auto &item : feature.texts->numbers) names.push_back(item.first);
  feature.index_of.resize(feature.texts->numbers.size());
  for (const auto &[text, first] : feature.texts->numbers) {
    auto found = std::lower_bound(names.begin(), names.end(), text);
    bool known = found != names.end() && *found == text;
    if (!known && !feature.indexed)
      return fail(
          feature.texts->place(first) + in_quotes(text) + " was not in the training data" + of_column(feature.column),
          "known are " + listed(names));
    feature.index_of[static_cast<size_t>(first)] = known ? static_cast<int32_t>(found - names.begin()) : -1;
  }
  return {};
}

Result<RawData> CsvTable::settle() {
  if (rows_ == 0) return fail(path_ + ": no samples in it");
  RawData data;
  data.source = path_;
  data.schema.classes = request_.schema.classes;
  if (!targets_.empty() && has_named_classes()) {
    auto classes = name_classes(request_, options_.classes, classes_, columns_[targets_[0]]);
    if (!classes) return tl::unexpected(classes.error());
    data.schema.classes = std::move(classes->names);
    for (int32_t &text : class_texts_) text = classes->index_of[static_cast<size_t>(text)];
  }
  bool any_categories = false;
  for (Feature &feature : features_) {
    if (auto done = settle_categories(feature); !done) return tl::unexpected(done.error());
    any_categories |= feature.texts.has_value();
    data.schema.features.push_back(columns_[feature.column]);
    data.schema.categories.push_back(feature.categories);
    if (feature.indexed) data.schema.indexed.push_back(columns_[feature.column]);
    if (feature.indicated) data.schema.indicated.push_back(columns_[feature.column]);
  }
  if (!any_categories) data.schema.categories.clear();
  data.features.count = rows_;
  data.features.shape = features().shape;
  data.features.values = std::vector<float>();
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
  data.groups = std::move(groups_);
  data.missing = options_.missing;
  data.has_missing = has_missing_;
  class_texts_.clear();
  target_values_.clear();
  weights_.clear();
  groups_.clear();
  return data;
}

bool CsvTable::knows_all_texts() const {
  return std::all_of(features_.begin(), features_.end(), [](const Feature &feature) {
    return !feature.texts || feature.texts->numbers.size() == feature.index_of.size();
  });
}

Array CsvTable::features() const {
  int64_t width = 0;
  for (const Feature &feature : features_)
    width +=
        (feature.texts && !feature.indexed ? static_cast<int64_t>(feature.categories.size()) : 1) + feature.indicated;
  int64_t rows = static_cast<int64_t>(values_.size() / features_.size());
  std::vector<float> expanded;
  expanded.reserve(static_cast<size_t>(width * rows));
  for (size_t at = 0; at < values_.size(); ++at) {
    const Feature &feature = features_[at % features_.size()];
    float value = values_[at];
    bool missing = std::isnan(value);
    int32_t category = feature.texts && !missing ? feature.index_of[static_cast<size_t>(value)] : -1;
    if (!feature.texts) {
      expanded.push_back(value);
    } else if (feature.indexed) {
      expanded.push_back(static_cast<float>(category + 1));
    } else {
      size_t begin = expanded.size();
      expanded.resize(begin + feature.categories.size(), 0.0f);
      if (category >= 0) expanded[begin + static_cast<size_t>(category)] = 1.0f;
    }
    if (feature.indicated) expanded.push_back(missing ? 1.0f : 0.0f);
  }
  return Array{{width}, std::move(expanded), rows};
}

}  // namespace netc::runtime
