// The place of a syntax error, looked at from all sides, and the messages that point to it.
#pragma once

#include <string>

#include "NetParser.h"
#include "frontend/parser_messages.h"

namespace netc::syntax {

struct Message {
  Span span;
  std::string text;
  std::string help;
};

bool is_binary(size_t type);
bool is_reserved(size_t type);

struct ErrorPlace {
  explicit ErrorPlace(const SyntaxError &error);

  const SyntaxError &error;
  const Token &found;
  const Token &previous;  // `found` itself at the beginning of the file
  size_t rule;            // the index of the rule that the parser is in

  size_t found_type() const { return found.getType(); }
  size_t previous_type() const { return error.index > 0 ? previous.getType() : antlr4::Token::EOF; }
  std::string found_name() const { return name_of(found, error.source); }
  std::string text(const Token &token) const { return std::string(text_of(token, error.source)); }
  bool same_line() const { return error.index > 0 && previous.getLine() == found.getLine(); }
  const Token &first_of_line() const;
  size_t parent_rule() const;
  // That `found` is a word of the language and cannot be a name; reserved_help(): "" when it is none.
  std::string reserved() const;
  std::string reserved_help() const { return is_reserved(found_type()) ? reserved() : ""; }

  // "expected ..., found ..."; `exact` when the text says already what is wrong. What is missing at the end of a line
  // is shown there, not in the line after it.
  Message here(std::string text, std::string help, bool exact = false) const;
  Message before(std::string text, std::string help) const;

 private:
  bool lacks_in_line() const;
};

}  // namespace netc::syntax
