// Cuts the text of a CSV file into records and fields (RFC 4180): fields in quotes may hold separators, line breaks and
// doubled quotes; lines end in \n or \r\n; blank lines are left out; a byte order mark is skipped.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace netc::runtime {

struct CsvField {
  std::string text;
  int64_t line = 0;    // from 1
  int64_t column = 0;  // in bytes, from 1
};

class CsvScanner {
 public:
  // `line` is the number of the first one, from 1.
  CsvScanner(std::string name, std::string_view text, char separator, int64_t line = 1);
  // The next record into `fields`; false at the end of the file.
  Result<bool> next(std::vector<CsvField> &fields);
  // "iris.csv:12:5: "
  std::string place(int64_t line, int64_t column) const;
  std::string place(const CsvField &field) const { return place(field.line, field.column); }

 private:
  Result<void> quoted_field(CsvField &field);
  Result<void> plain_field(CsvField &field);
  bool at_line_end() const;
  void advance();

  std::string name_;
  std::string_view text_;
  char separator_;
  size_t at_ = 0;
  int64_t line_ = 1, column_ = 1;
};

}  // namespace netc::runtime
