// Reads the pieces of the graph's text form from a string: names, numbers, strings, types. The first failure is kept,
// with its place, and every later call fails too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ir/type.h"

namespace netc {

class TextReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}

  struct Failure {
    size_t begin, end;
    std::string message, help;
  };
  const std::optional<Failure> &failure() const { return failure_; }
  // Records the failure at the last thing read. Always false, so that callers can return it.
  bool fail(std::string message, std::string help = {});
  bool failed() const { return failure_.has_value(); }

  bool at_end();
  // Whether this mark comes next.
  bool peek(std::string_view mark);
  // Takes a mark or word when it comes next.
  bool accept(std::string_view mark);
  bool accept_word(std::string_view word);
  // The same, or a failure naming it.
  bool expect(std::string_view mark);
  bool expect_word(std::string_view word);
  // Letters, digits, `_`, `.`; `what` is for the message: "an attribute name".
  bool name(std::string &out, std::string_view what);
  bool symbol(std::string &out, std::string_view what);  // a name or a string
  bool string(std::string &out);
  bool integer(int64_t &out);
  bool real(double &out);
  bool dim(Dim &out);
  bool shape(Shape &out);
  bool type(Type &out);
  // `[ item, item ]` between the marks; item() returns false on failure.
  template <typename Item>
  bool list(std::string_view open, std::string_view close, Item item) {
    if (!expect(open)) return false;
    if (accept(close)) return true;
    do {
      if (!item()) return false;
    } while (accept(","));
    return expect(close);
  }

 private:
  void skip_space();
  std::string_view word_ahead() const;
  std::string_view number_ahead() const;

  std::string_view text_;
  size_t at_ = 0;
  size_t last_ = 0;  // where the last thing read began
  std::optional<Failure> failure_;
};

}  // namespace netc
