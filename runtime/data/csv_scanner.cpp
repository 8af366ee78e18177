#include "runtime/data/csv_scanner.h"

#include <utility>

namespace netc::runtime {
namespace {

constexpr size_t most_fields = size_t{1} << 20;

}  // namespace

CsvScanner::CsvScanner(std::string name, std::string_view text, char separator, int64_t line)
    : name_(std::move(name)), text_(text), separator_(separator), line_(line) {
  if (line == 1 && text_.starts_with("\xef\xbb\xbf")) at_ = 3;
}

std::string CsvScanner::place(int64_t line, int64_t column) const {
  return name_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
}

bool CsvScanner::at_line_end() const {
  return at_ >= text_.size() || text_[at_] == '\n' ||
         (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
}

void CsvScanner::advance() {
  if (text_[at_] == '\n') {
    ++line_;
    column_ = 1;
  } else {
    ++column_;
  }
  ++at_;
}

Result<void> CsvScanner::quoted_field(CsvField &field) {
  advance();
  for (;;) {
    if (at_ >= text_.size())
      return fail(place(field) + "a quote is opened and never closed", "a quote inside a field is written twice: \"\"");
    char c = text_[at_];
    advance();
    if (c == '\0') return fail(place(line_, column_ - 1) + "a zero byte: this is not a text file");
    if (c != '"') {
      field.text += c;
    } else if (at_ < text_.size() && text_[at_] == '"') {
      field.text += '"';
      advance();
    } else {
      break;
    }
  }
  if (!at_line_end() && text_[at_] != separator_)
    return fail(place(line_, column_) + "text after the closing quote",
                "a quote inside a field is written twice: \"\"");
  return {};
}

Result<void> CsvScanner::plain_field(CsvField &field) {
  size_t begin = at_;
  while (!at_line_end() && text_[at_] != separator_) {
    char c = text_[at_];
    if (c == '\0') return fail(place(line_, column_) + "a zero byte: this is not a text file");
    if (c == '"')
      return fail(place(line_, column_) + "a quote inside a field without quotes",
                  "put the whole field in quotes and write the inner quote twice");
    if (c == '\r')
      return fail(place(line_, column_) + "a carriage return without a line feed",
                  "lines end in \\n or \\r\\n: convert the file");
    ++at_;
    ++column_;
  }
  field.text.assign(text_.substr(begin, at_ - begin));
  return {};
}

Result<bool> CsvScanner::next(std::vector<CsvField> &fields) {
  fields.clear();
  while (at_ < text_.size() && at_line_end()) {  // blank lines
    if (text_[at_] == '\r') advance();
    advance();
  }
  if (at_ >= text_.size()) return false;
  for (;;) {
    if (fields.size() == most_fields) return fail(place(line_, column_) + "more than 1048576 fields in a record");
    CsvField &field = fields.emplace_back(CsvField{{}, line_, column_});
    bool in_quotes = at_ < text_.size() && text_[at_] == '"';
    if (auto done = in_quotes ? quoted_field(field) : plain_field(field); !done) return tl::unexpected(done.error());
    if (at_line_end()) break;
    advance();  // the separator
  }
  if (at_ < text_.size()) {
    if (text_[at_] == '\r') advance();
    advance();
  }
  return true;
}

}  // namespace netc::runtime
