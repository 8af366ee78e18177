// What the parser does at a syntax error: says what was expected in the user's words, and goes on with the next
// argument, statement, setting or part of the file, so that one mistake gives one message.
#pragma once

#include <DefaultErrorStrategy.h>

#include "NetParser.h"
#include "frontend/parser_tokens.h"

namespace netc::syntax {

inline constexpr size_t kMaxSyntaxErrors = 100;  // then the parser stops

class ErrorStrategy final : public antlr4::DefaultErrorStrategy {
 public:
  ErrorStrategy(const TokenList &tokens, const SourceFile &source, FileId file, Diagnostics &diagnostics)
      : tokens_(tokens), source_(source), file_(file), diagnostics_(diagnostics) {}

  void reportError(antlr4::Parser *parser, const antlr4::RecognitionException &problem) override;
  // Rethrows until the rule that holds the whole argument, statement, setting or part, then skips to its end.
  void recover(antlr4::Parser *parser, std::exception_ptr problem) override;
  antlr4::Token *recoverInline(antlr4::Parser *parser) override;
  // In front of each statement, setting and part: skips what cannot begin one.
  void sync(antlr4::Parser *parser) override;
  // Where a `{` was expected and not found, in their order.
  const std::vector<uint32_t> &missed_braces() const { return missed_braces_; }

 private:
  const Token &present(antlr4::Parser *parser) const;
  void report(antlr4::Parser *parser);
  bool left_over(const Token &token) const;
  void skip_to_next(antlr4::Parser *parser, size_t rule, uint16_t depth);
  bool begins_next(const Token &token, size_t rule, uint16_t depth) const;

  const TokenList &tokens_;
  const SourceFile &source_;
  FileId file_;
  Diagnostics &diagnostics_;
  std::vector<uint32_t> missed_braces_;
  size_t errors_ = 0;
};

}  // namespace netc::syntax
