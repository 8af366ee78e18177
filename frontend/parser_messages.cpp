#include "frontend/parser_messages.h"

#include <fmt/format.h>

#include "NetParser.h"

namespace netc::syntax {

using Parser = NetParser;

std::string name_of(const Token &token, const SourceFile &source) {
  if (token.getType() == antlr4::Token::EOF) return "the end of the file";
  std::string text(text_of(token, source));
  if (text.size() > 40) text = text.substr(0, 37) + "...";
  return fmt::format("`{}`", text);
}

void describe_syntax_error(const SyntaxError &at, Diagnostics &diagnostics) {
  const Token &found = at.tokens.at(at.index);
  diagnostics.error(span_of(found, at.file), fmt::format("unexpected {}", name_of(found, at.source)));
}

}  // namespace netc::syntax
