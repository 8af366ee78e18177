#include "frontend/parser_errors.h"

#include <fmt/format.h>

#include "frontend/parser_messages.h"

namespace netc::syntax {

using Parser = NetParser;

namespace {

bool begins_statement(size_t type) {
  return begins_value(type) || type == Parser::REPEAT || type == Parser::WEIGHT || type == Parser::UPDATE;
}

}  // namespace

const Token &ErrorStrategy::present(antlr4::Parser *parser) const {
  return static_cast<const Token &>(*parser->getTokenStream()->LT(1));
}

void ErrorStrategy::reportError(antlr4::Parser *parser, const antlr4::RecognitionException &) { report(parser); }

void ErrorStrategy::report(antlr4::Parser *parser) {
  if (inErrorRecoveryMode(parser)) return;
  beginErrorCondition(parser);
  const Token &found = present(parser);
  // One message where brackets or words around were mended already.
  bool known = found.reported;
  for (auto *context = parser->getContext(); context && !known;
       context = static_cast<antlr4::ParserRuleContext *>(context->parent)) {
    known = context->start && static_cast<const Token *>(context->start)->reported;
    if (context->getRuleIndex() == Parser::RuleStatement || context->getRuleIndex() == Parser::RuleEntry) break;
  }
  if (known) return;
  if (++errors_ > kMaxSyntaxErrors) {
    diagnostics_.error(span_of(found, file_),
                       fmt::format("more than {} syntax errors: the rest is not shown", kMaxSyntaxErrors));
    throw antlr4::ParseCancellationException();
  }
  bool brace =
      describe_syntax_error({tokens_, source_, file_, found.getTokenIndex(), parser->getContext()}, diagnostics_);
  if (brace) missed_braces_.push_back(found.begin);
}

antlr4::Token *ErrorStrategy::recoverInline(antlr4::Parser *parser) { throw antlr4::InputMismatchException(parser); }

void ErrorStrategy::recover(antlr4::Parser *parser, std::exception_ptr problem) {
  antlr4::ParserRuleContext *context = parser->getContext();
  size_t rule = context->getRuleIndex();
  switch (rule) {
    case Parser::RuleArgument:
    case Parser::RuleParameter:
    case Parser::RuleStatement:
    case Parser::RuleEntry:
    case Parser::RuleItem:
    case Parser::RuleBlockHeader:
    case Parser::RuleNetworkHeader:
    case Parser::RuleSectionHeader:
    case Parser::RuleFile:
      skip_to_next(parser, rule, static_cast<const Token *>(context->start)->depth);
      break;
    default:
      std::rethrow_exception(problem);
  }
}

void ErrorStrategy::sync(antlr4::Parser *parser) {
  antlr4::ParserRuleContext *context = parser->getContext();
  size_t type = parser->getTokenStream()->LA(1);
  auto inner = [&] { return static_cast<uint16_t>(static_cast<const Token *>(context->start)->depth + 1); };
  switch (context->getRuleIndex()) {
    case Parser::RuleBody:
      if (type == Parser::RBRACE || begins_statement(type)) return;
      report(parser);
      return skip_to_next(parser, Parser::RuleStatement, inner());
    case Parser::RuleEntries:
      if (type == Parser::RBRACE || type == Parser::COMMA || begins_value(type)) return;
      report(parser);
      return skip_to_next(parser, Parser::RuleEntry, inner());
    case Parser::RuleFile:
      while (present(parser).getType() != antlr4::Token::EOF && !begins_item(present(parser).getType())) {
        endErrorCondition(parser);
        // What a body without its `{` left over is no mistake of its own.
        if (!left_over(present(parser))) report(parser);
        parser->consume();
        skip_to_next(parser, Parser::RuleItem, 0);
      }
      return;
    default:
      return;
  }
}

bool ErrorStrategy::left_over(const Token &token) const {
  if (missed_braces_.empty() || tokens_.stray_braces.empty() || tokens_.stray_braces.back().begin < token.begin)
    return false;
  for (size_t i = token.getTokenIndex(); i-- > 0 && tokens_.at(i).begin > missed_braces_.back();)
    if (tokens_.at(i).depth == 0 && tokens_.at(i).starts_line && begins_item(tokens_.at(i).getType())) return false;
  return true;
}

// Skips to where the parser can go on after an error in `rule`, whose tokens are `depth` brackets deep.
void ErrorStrategy::skip_to_next(antlr4::Parser *parser, size_t rule, uint16_t depth) {
  while (!begins_next(present(parser), rule, depth)) parser->consume();
}

bool ErrorStrategy::begins_next(const Token &token, size_t rule, uint16_t depth) const {
  size_t type = token.getType();
  if (type == antlr4::Token::EOF || token.depth < depth) return true;
  if (token.depth > depth) return false;
  switch (rule) {
    case Parser::RuleArgument:
    case Parser::RuleParameter:
      return type == Parser::COMMA;
    case Parser::RuleEntry:
      return type == Parser::COMMA || (token.starts_line && begins_value(type));
    case Parser::RuleStatement:
      return token.starts_line && begins_statement(type);
    case Parser::RuleItem:
    case Parser::RuleFile:
      if (!token.starts_line) return false;
      return begins_item(type) || (type == Parser::NAME && token.getTokenIndex() > 0 &&
                                   tokens_.at(token.getTokenIndex() - 1).getType() == Parser::RBRACE);
    default:
      return type == Parser::LBRACE || (token.starts_line && begins_item(type));  // headers
  }
}

}  // namespace netc::syntax
