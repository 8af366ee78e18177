#include "frontend/parser_messages.h"

#include <fmt/format.h>

#include <optional>

#include "frontend/parser_describe.h"

namespace netc::syntax {

using Parser = NetParser;

namespace {

// Whether the token before ends a step after `->`.
bool follows_step(const ErrorPlace &at) {
  size_t index = at.error.index - 1;
  size_t depth = at.found.depth;
  for (size_t steps = 0; steps < 200; ++steps) {
    const Token &token = at.error.tokens.at(index);
    if (token.depth < depth) return false;
    if (token.depth == depth) {
      size_t type = token.getType();
      if (type == Parser::ARROW) return true;
      bool part = type == Parser::NAME || type == Parser::DOT || type == Parser::LPAREN || type == Parser::RPAREN ||
                  type == Parser::LBRACKET || type == Parser::RBRACKET;
      if (!part) return false;
    }
    if (index-- == 0) return false;
  }
  return false;
}

// What is wrong in the same way wherever it stands.
std::optional<Message> anywhere(const ErrorPlace &at) {
  if (at.same_line() && at.previous_type() == Parser::NUMBER && at.found_type() == Parser::NAME &&
      at.rule != Parser::RuleBody)
    return describe::unknown_unit(at, at.found);
  if (at.found_type() == Parser::ASSIGN && at.error.index > 1) {
    // epochs =
    // batch_size = 64
    const Token &name = at.previous, &sign = at.error.tokens.at(at.error.index - 2);
    bool dangling = sign.getType() == Parser::ASSIGN || sign.getType() == Parser::ARROW || is_binary(sign.getType());
    if (name.getType() == Parser::NAME && name.starts_line && dangling)
      return Message{span_of(sign, at.error.file), fmt::format("`{}` has nothing on its right side", at.text(sign)),
                     "write the value in the same line, or in the next one"};
    // epochs == 20 is a comparison; epochs = 20 = 30 nothing
  }
  // x -> f + y
  if (is_binary(at.found_type()) && at.rule != Parser::RulePrimary && at.error.index > 0 && follows_step(at))
    return at.here(fmt::format("`{}` cannot follow a step of a pipeline", at.text(at.found)),
                   fmt::format("put the pipeline in parentheses: (x -> f) {} y", at.text(at.found)), true);
  if (is_binary(at.found_type()) && at.rule != Parser::RulePrimary && at.error.index > 0 &&
      at.previous_type() == Parser::NAME && at.error.index > 1 &&
      at.error.tokens.at(at.error.index - 2).getType() == Parser::AS)
    return at.here(fmt::format("`{}` cannot follow `as {}`", at.text(at.found), at.text(at.previous)),
                   "use the name in a statement of its own", true);
  return std::nullopt;
}

Message message_at(const ErrorPlace &at) {
  if (std::optional<Message> message = anywhere(at)) return *message;
  switch (at.rule) {
    case Parser::RuleFile:
      return describe::outermost(at);
    case Parser::RuleBody:
      return at.error.rule->start == &at.found ? describe::missing_brace(at) : describe::statement(at);
    case Parser::RuleEntries:
      return at.error.rule->start == &at.found ? describe::missing_brace(at) : describe::setting(at);
    case Parser::RuleSuffix:
      return describe::suffix(at);
    case Parser::RulePrimary:
      return describe::primary(at);
    case Parser::RuleName:
      return describe::name(at);
    case Parser::RuleConditional:
      return at.here("expected a body in braces", "if a { ... } else { ... }");
    case Parser::RuleParamDecl:
      return describe::param(at);
    case Parser::RuleImportDecl:
      return at.here("expected the name of a file in quotes", "import \"layers.net\"");
    case Parser::RuleNetworkHeader:
      return at.here("expected `->` and what the network gives",
                     "network name(image: f32[28, 28, 1]) -> class[10] { ... }");
    case Parser::RuleParameters:
      return describe::parameters(at);
    case Parser::RuleParameter:
      return at.here("expected the name of a parameter", "");
    case Parser::RuleOutputs:
      return describe::list_of(at, "output", ")");
    case Parser::RuleType:
      return describe::list_of(at, "size", "]");
    case Parser::RuleSectionHeader:
      return describe::section_header(at);
    case Parser::RuleBinding:
      return at.here("expected `=` and a value for these names", "mean, variance = moments(x)");
    case Parser::RuleRepeatStatement:
      if (at.found_type() == Parser::ASSIGN)
        return at.here("`repeat` is a word of the language and cannot be a name", "", true);
      return at.here("expected a variable and its range after `repeat`", "repeat i in 0 ..< 3 { ... }");
    case Parser::RuleWeightStatement:
      return describe::weight(at);
    case Parser::RuleUpdateStatement:
      return at.here("expected `=` and the new value of the weight",
                     "update moving_mean = 0.9 * moving_mean + 0.1 * mean");
    case Parser::RuleValue:
      return at.error.rule->start == &at.found ? describe::primary(at) : describe::list_of(at, "value", "}");
    case Parser::RuleExpression:
      return describe::after_as(at);
    default:
      return at.here("expected something else", "");
  }
}

}  // namespace

bool begins_value(size_t type) {
  switch (type) {
    case Parser::NAME:
    case Parser::NUMBER:
    case Parser::STRING:
    case Parser::TRUE:
    case Parser::FALSE:
    case Parser::NEGATE:
    case Parser::NOT:
    case Parser::GROUP:
    case Parser::LIST:
    case Parser::IF:
      return true;
    default:
      return false;
  }
}

std::string name_of(const Token &token, const SourceFile &source) {
  if (token.getType() == antlr4::Token::EOF) return "the end of the file";
  std::string text(text_of(token, source));
  if (text.size() > 40) {
    size_t cut = 37;
    while (cut > 0 && (text[cut] & 0xC0) == 0x80) --cut;
    text = text.substr(0, cut) + "...";
  }
  return fmt::format("`{}`", text);
}

bool describe_syntax_error(const SyntaxError &at, Diagnostics &diagnostics) {
  Message message = message_at(ErrorPlace(at));
  auto &error = diagnostics.error(message.span, message.text);
  if (!message.help.empty()) error.help(message.help);
  size_t rule = at.rule->getRuleIndex();
  return (rule == Parser::RuleBody || rule == Parser::RuleEntries) &&
         at.rule->start == at.tokens.tokens[at.index].get();
}

}  // namespace netc::syntax
