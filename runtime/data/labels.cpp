#include "runtime/data/labels.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "runtime/data/arguments.h"
#include "runtime/data/csv_options.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

// The labels by number, when all of them are whole numbers.
std::optional<std::vector<int64_t>> whole_labels(const TextColumn &labels) {
  std::vector<int64_t> values(labels.numbers.size());
  for (const auto &[text, number] : labels.numbers) {
    auto value = parse_number(text);
    if (!value || *value != std::floor(*value) || std::fabs(*value) > 1e9) return std::nullopt;
    values[static_cast<size_t>(number)] = static_cast<int64_t>(*value);
  }
  return values;
}

}  // namespace

int32_t TextColumn::number_of(std::string_view text, int64_t line, int64_t column) {
  auto found = numbers.find(text);
  if (found != numbers.end()) return found->second;
  first_place.emplace_back(line, column);
  return numbers.emplace(text, static_cast<int32_t>(numbers.size())).first->second;
}

std::string TextColumn::place(int32_t number) const {
  auto [line, column] = first_place[static_cast<size_t>(number)];
  if (line == 0) return file + ": ";  // the name of a folder
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
}

Result<void> TextColumn::check_utf8() const {
  for (const auto &[text, number] : numbers)
    if (!is_utf8(text))
      return fail(place(number) + "this name is not UTF-8 text", "convert the file: iconv -f latin1 -t utf-8");
  return {};
}

Result<Classes> name_classes(const ReadRequest &request, const std::vector<std::string> &named,
                             const TextColumn &labels, const std::string &column) {
  if (auto done = labels.check_utf8(); !done) return tl::unexpected(done.error());
  Classes classes;
  classes.names = !request.schema.classes.empty() ? request.schema.classes : named;
  classes.index_of.resize(labels.numbers.size());
  bool known = !classes.names.empty();
  auto whole = known ? std::nullopt : whole_labels(labels);
  if (!known && !whole)
    for (const auto &item : labels.numbers) classes.names.push_back(item.first);
  for (const auto &[text, number] : labels.numbers) {
    int64_t index = 0;
    if (whole) {
      index = (*whole)[static_cast<size_t>(number)];
      if (index < 0 || (request.class_count > 0 && index >= request.class_count))
        return fail(labels.place(number) + "the class " + text + " is outside 0 .. " +
                        std::to_string(std::max<int64_t>(request.class_count - 1, 0)),
                    "number the classes from 0, or name them: classes = [\"1\", \"2\", ...]");
    } else {
      auto found = std::find(classes.names.begin(), classes.names.end(), text);
      if (found == classes.names.end()) {
        std::string near = nearest_word(text, classes.names);
        return fail(labels.place(number) + in_quotes(text) + " is not one of the classes",
                    near.empty() ? "the classes are " + listed(classes.names) : "did you mean " + near + "?");
      }
      index = found - classes.names.begin();
    }
    classes.index_of[static_cast<size_t>(number)] = static_cast<int32_t>(index);
  }
  if (!classes.names.empty() && request.class_count > 0 &&
      static_cast<int64_t>(classes.names.size()) != request.class_count)
    return fail(labels.file + ": " + (column.empty() ? "" : "the target " + in_quotes(column) + " has ") +
                    std::to_string(classes.names.size()) + (classes.names.size() == 1 ? " class (" : " classes (") +
                    listed(classes.names, 6) + "), the network has class[" + std::to_string(request.class_count) + "]",
                "write class[" + std::to_string(classes.names.size()) + "], or name all classes: classes = [...]");
  return classes;
}

}  // namespace netc::runtime
