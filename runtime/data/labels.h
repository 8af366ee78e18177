// Labels: the texts of a column, and the classes they stand for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/reader.h"
#include "support/result.h"

namespace netc::runtime {

// The texts of a column of a file, numbered in the order they are met.
struct TextColumn {
  std::string file;  // for errors
  std::map<std::string, int32_t, std::less<>> numbers;
  std::vector<std::pair<int64_t, int64_t>> first_place;  // line and column of each

  int32_t number_of(std::string_view text, int64_t line, int64_t column);
  // "iris.csv:12:5: " of the text with this number.
  std::string place(int32_t number) const;
  // Texts that become names have to be UTF-8.
  Result<void> check_utf8() const;
};

struct Classes {
  std::vector<std::string> names;  // in order; empty when the classes are numbers without names
  std::vector<int32_t> index_of;   // the class of each text by its number
};
// Which class each label is: by its place among the names of the schema, else of `named` (the argument `classes`),
// else, when all labels are whole numbers, that number, else by its place in the order of the alphabet. `column` is for
// errors.
Result<Classes> name_classes(const ReadRequest &request, const std::vector<std::string> &named,
                             const TextColumn &labels, const std::string &column);

}  // namespace netc::runtime
