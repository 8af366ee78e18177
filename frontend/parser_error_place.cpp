#include "frontend/parser_error_place.h"

#include <fmt/format.h>

namespace netc::syntax {

using Parser = NetParser;

bool is_binary(size_t type) {
  return (type >= Parser::PLUS && type <= Parser::GREATER_EQUAL) || type == Parser::AND || type == Parser::OR;
}

bool is_reserved(size_t type) { return type >= Parser::IF && type <= Parser::FALSE; }

ErrorPlace::ErrorPlace(const SyntaxError &error)
    : error(error),
      found(error.tokens.at(error.index)),
      previous(error.tokens.at(error.index > 0 ? error.index - 1 : 0)),
      rule(error.rule->getRuleIndex()) {}

const Token &ErrorPlace::first_of_line() const {
  size_t index = error.index;
  while (index > 0 && !error.tokens.at(index).starts_line) --index;
  return error.tokens.at(index);
}

size_t ErrorPlace::parent_rule() const {
  auto *parent = dynamic_cast<const antlr4::ParserRuleContext *>(error.rule->parent);
  return parent ? parent->getRuleIndex() : SIZE_MAX;
}

std::string ErrorPlace::reserved() const {
  return fmt::format("`{}` is a word of the language and cannot be a name", text(found));
}

Message ErrorPlace::here(std::string text, std::string help, bool exact) const {
  bool ended = error.index > 0 && (found.starts_line || found_type() == antlr4::Token::EOF);
  if (ended && !exact && text.starts_with("expected") && lacks_in_line())
    return {{error.file, previous.end, previous.end}, std::move(text), std::move(help)};
  if (!exact) text += ", found " + found_name();
  return {span_of(found, error.file), std::move(text), std::move(help)};
}

bool ErrorPlace::lacks_in_line() const {
  switch (rule) {
    case Parser::RuleBody:
    case Parser::RuleEntries:
      return error.rule->start == &found;
    case Parser::RuleName:
    case Parser::RuleParamDecl:
    case Parser::RuleImportDecl:
    case Parser::RuleNetworkHeader:
    case Parser::RuleSectionHeader:
    case Parser::RuleParameters:
    case Parser::RuleRepeatStatement:
    case Parser::RuleWeightStatement:
    case Parser::RuleUpdateStatement:
    case Parser::RuleBinding:
      return true;
    default:
      return false;
  }
}

Message ErrorPlace::before(std::string text, std::string help) const {
  return {span_of(previous, error.file), std::move(text), std::move(help)};
}

}  // namespace netc::syntax
