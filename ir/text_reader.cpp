#include "ir/text_reader.h"

#include <algorithm>
#include <charconv>

#include "fmt/format.h"

namespace netc {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

std::optional<unsigned> hexadecimal(std::string_view digits) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.size() != 2) return std::nullopt;
  return value;
}

}  // namespace

bool TextReader::fail(std::string message, std::string help) {
  if (!failure_) failure_ = Failure{last_, std::max(at_, last_), std::move(message), std::move(help)};
  return false;
}

void TextReader::skip_space() {
  while (at_ < text_.size()) {
    char c = text_[at_];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at_;
    } else if (text_.substr(at_, 2) == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else {
      break;
    }
  }
  last_ = at_;
}

std::string_view TextReader::word_ahead() const {
  size_t end = at_;
  while (end < text_.size() && is_name_character(text_[end])) ++end;
  return text_.substr(at_, end - at_);
}

// Name characters and signs: what a number may be made of.
std::string_view TextReader::number_ahead() const {
  size_t end = at_;
  while (end < text_.size() && (is_name_character(text_[end]) || text_[end] == '-' || text_[end] == '+')) ++end;
  return text_.substr(at_, end - at_);
}

bool TextReader::at_end() {
  skip_space();
  return at_ == text_.size();
}

bool TextReader::peek(std::string_view mark) {
  skip_space();
  return !failed() && text_.substr(at_, mark.size()) == mark;
}

bool TextReader::accept(std::string_view mark) {
  if (!peek(mark)) return false;
  at_ += mark.size();
  return true;
}

bool TextReader::accept_word(std::string_view word) {
  skip_space();
  if (failed() || word_ahead() != word) return false;
  at_ += word.size();
  return true;
}

bool TextReader::expect(std::string_view mark) { return accept(mark) || fail(fmt::format("expected '{}'", mark)); }
bool TextReader::expect_word(std::string_view word) {
  return accept_word(word) || fail(fmt::format("expected '{}'", word));
}

bool TextReader::name(std::string &out, std::string_view what) {
  skip_space();
  std::string_view word = word_ahead();
  if (failed() || word.empty()) return fail(fmt::format("expected {}", what));
  out = word;
  at_ += word.size();
  return true;
}

bool TextReader::symbol(std::string &out, std::string_view what) {
  skip_space();
  return at_ < text_.size() && text_[at_] == '"' ? string(out) : name(out, what);
}

bool TextReader::string(std::string &out) {
  if (!accept("\"")) return fail("expected a string");
  out.clear();
  for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
    if (text_[at_] == '\n') break;
    if (text_[at_] != '\\') {
      out += text_[at_];
      continue;
    }
    if (++at_ == text_.size()) break;
    if (text_[at_] != 'x') {
      out += text_[at_];
      continue;
    }
    auto code = hexadecimal(text_.substr(at_ + 1, 2));
    if (!code) return fail("expected two hexadecimal digits after \\x");
    out += static_cast<char>(*code);
    at_ += 2;
  }
  if (at_ == text_.size() || text_[at_] != '"') return fail("the string does not end");
  ++at_;
  return true;
}

bool TextReader::integer(int64_t &out) {
  skip_space();
  std::string_view text = number_ahead();
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed() || error != std::errc() || end != text.data() + text.size()) return fail("expected an integer");
  at_ += text.size();
  return true;
}

bool TextReader::real(double &out) {
  skip_space();
  std::string_view text = number_ahead();
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (failed() || error != std::errc() || end != text.data() + text.size()) return fail("expected a number");
  at_ += text.size();
  return true;
}

bool TextReader::dim(Dim &out) {
  if (accept_word("B")) {
    out = kBatch;
    return true;
  }
  int64_t size = 0;
  if (!integer(size)) return false;
  if (size < 1) return fail(fmt::format("a size must be at least 1, got {}", size));
  out = Dim{size, false};
  if (accept("*")) {
    if (!expect_word("B")) return false;
    out.batch = true;
  }
  return true;
}

bool TextReader::shape(Shape &out) {
  out.clear();
  return list("[", "]", [&] { return dim(out.emplace_back()); });
}

bool TextReader::type(Type &out) {
  std::string word;
  if (!name(word, "an element type")) return false;
  auto dtype = dtype_from_name(word);
  if (!dtype) return fail(dtype.error().message, dtype.error().help);
  out.dtype = *dtype;
  if (!shape(out.shape)) return false;
  if (auto count = element_count(out.shape); !count) return fail(count.error().message);
  return true;
}

}  // namespace netc
