#include <fmt/format.h>

#include "frontend/parser_describe.h"

namespace netc::syntax::describe {

using Parser = NetParser;

namespace {

Message before_sign(const ErrorPlace &at, const std::string &sign, size_t kind) {
  if (kind == Parser::ARROW) return at.before("`->` leads nowhere", "write the step after it, or remove it");
  return at.before(fmt::format("`{}` has nothing on its right side", sign), "");
}

}  // namespace

Message suffix(const ErrorPlace &at) {
  const auto &first = *static_cast<const Token *>(at.error.rule->start);
  if (first.getType() == Parser::DOT) return at.here("expected a name after `.`", at.reserved_help());
  if (first.getType() == Parser::LBRACKET)
    return at.here(at.found_type() == Parser::COMMA ? "one index at a time" : "expected `]` after the index",
                   at.found_type() == Parser::COMMA ? "x.shape[1]" : "", at.found_type() == Parser::COMMA);
  if (at.found_type() == Parser::COLON) return at.here("arguments are named with `=`", "f(units = 10)", true);
  if (at.found_type() == Parser::ASSIGN) return at.here("an argument has one name and one value", "", true);
  return list_of(at, "argument", ")");
}

Message list_of(const ErrorPlace &at, std::string_view item, std::string_view end) {
  size_t before = at.previous_type();
  bool first = before == Parser::LPAREN || before == Parser::GROUP || before == Parser::LIST ||
               before == Parser::LBRACKET || before == Parser::LBRACE;
  if (at.found_type() == Parser::ASSIGN && end != ")")
    return at.here("`=` cannot stand in a list", "a call has named arguments: f(a = 1)", true);
  if (first) {
    std::string_view article = item == "argument" || item == "output" ? "an" : "a";
    return at.here(fmt::format("expected {} {} or `{}`", article, item, end), at.reserved_help());
  }
  if (before == Parser::COMMA) {
    std::string_view article = item == "argument" || item == "output" ? "an" : "a";
    return at.here(fmt::format("expected {} {} after `,`", article, item), at.reserved_help());
  }
  bool comma = begins_value(at.found_type());
  return at.here(fmt::format("expected `,` or `{}`", end),
                 comma ? fmt::format("put a comma between the {}s", item) : "");
}

Message primary(const ErrorPlace &at) {
  if (at.error.rule->start != &at.found) {
    size_t opener = at.error.rule->start->getType();
    if (opener == Parser::LIST) return list_of(at, "value", "]");
    if (at.found_type() == Parser::COMMA && static_cast<const Token *>(at.error.rule->start)->starts_line)
      return {span_of(*static_cast<const Token *>(at.error.rule->start), at.error.file),
              "a line that begins with `(` begins a new statement",
              "the `(` of a call stands in the line of the name it calls"};
    if (at.found_type() == Parser::COMMA)
      return at.here("parentheses hold one value", "a list is written [a, b]", true);
    if (at.found_type() == Parser::ASSIGN) return at.here("`=` cannot stand in parentheses", "`==` compares", true);
    return at.here("expected `)`", "");
  }
  size_t before = at.previous_type();
  std::string sign = at.text(at.previous);
  bool dangles = before == Parser::ARROW || before == Parser::ASSIGN || is_binary(before) || before == Parser::RANGE ||
                 before == Parser::RANGE_OPEN || before == Parser::NEGATE || before == Parser::NOT;
  if (dangles && at.found_type() == Parser::ASSIGN && before == Parser::ASSIGN)
    return at.here("`=` stands here twice", "`==`, without a blank, compares", true);
  if (at.found_type() == Parser::LBRACE)
    return at.here("sets stand alone, as the value of a param or an argument", "a list is written [a, b]", true);
  if (at.found_type() == Parser::REPEAT)
    return at.here("`repeat` is a statement and has no value", "bind a name inside the loop and use it after it", true);
  if (dangles && is_binary(at.found_type()) && at.same_line())
    return at.here(fmt::format("expected a value between `{}` and {}", sign, at.found_name()), "", true);
  if (dangles &&
      (at.found.starts_line || at.found.getType() == antlr4::Token::EOF || at.found_type() == Parser::RBRACE))
    return before_sign(at, sign, before);
  std::string help = is_reserved(at.found_type()) || is_outer_word(at.found_type()) ? at.reserved() : "";
  if (before == Parser::ARROW) return at.here("expected a step after `->`", help);
  if (before == Parser::IF && at.found.starts_line) return at.before("expected a condition after `if`", "");
  if (before == Parser::IF) return at.here("expected a condition after `if`", help);
  if (dangles || before == Parser::IN) return at.here(fmt::format("expected a value after `{}`", sign), help);
  return at.here("expected a value", help);
}

Message unknown_unit(const ErrorPlace &at, const Token &unit) {
  return {span_of(unit, at.error.file), fmt::format("`{}` is no unit", at.text(unit)), unit_help(at.text(unit))};
}

Message after_as(const ErrorPlace &at) { return at.here("expected a name after `as`", at.reserved_help()); }

}  // namespace netc::syntax::describe
