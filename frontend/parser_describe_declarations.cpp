#include <fmt/format.h>

#include <algorithm>

#include "frontend/parser_describe.h"

namespace netc::syntax::describe {

using Parser = NetParser;

namespace {

const std::vector<std::string> &outer_words() {
  static const std::vector<std::string> words = {"param", "import", "block", "network", "data",
                                                 "train", "tune",   "check", "defaults"};
  return words;
}

}  // namespace

Message outermost(const ErrorPlace &at) {
  const Token &first = at.first_of_line();
  if (first.getType() == Parser::PARAM && &first != &at.found && at.same_line())
    return at.here("expected `in` and a range, or the end of the param", "param rate = 0.25 in 0.1 .. 0.5");
  if (at.found_type() != Parser::NAME)
    return at.here("expected a section or a declaration",
                   "the outermost level has param, import, block, network, data, train, tune, check and defaults");
  std::string word = at.text(at.found);
  size_t next = at.error.index + 1 < at.error.tokens.tokens.size() ? at.error.tokens.at(at.error.index + 1).getType()
                                                                   : antlr4::Token::EOF;
  if (next == Parser::ASSIGN && word != "model")
    return at.here("values stand in a section, a block or a network",
                   fmt::format("a value that can be set or tuned is a param: param {} = ...", word), true);
  if (word == "from") return at.here("`from` is no section", "files are brought in with import \"layers.net\"", true);
  if (word == "model" || word == "sequential" || word == "Sequential" || word == "Model" || word == "graph")
    return at.here(fmt::format("`{}` is no section", word),
                   "a model is written network name(image: f32[28, 28, 1]) -> class[10] { ... }", true);
  if (word == "layer" || word == "module" || word == "fun" || word == "macro")
    return at.here(fmt::format("`{}` is no section", word),
                   "a layer of your own is written block name(x, units = 10) { ... }", true);
  if (word == "dataset") return at.here("`dataset` is no section", "did you mean `data`?", true);
  if (word == "search" || word == "hyperparameters")
    return at.here(fmt::format("`{}` is no section", word), "did you mean `tune`?", true);
  if (word == "fit" || word == "training" || word == "compile")
    return at.here(fmt::format("`{}` is no section", word), "did you mean `train`?", true);
  if (std::string near = nearest_name(word, outer_words()); !near.empty())
    return at.here(fmt::format("`{}` is no section", word), fmt::format("did you mean `{}`?", near), true);
  if (next == Parser::LBRACE || next == Parser::NAME)
    return at.here(fmt::format("`{}` is no section", word),
                   "the outermost level has param, import, block, network, data, train, tune, check and defaults",
                   true);
  return at.here("statements stand in a block or a network", "network name(image: f32[28, 28, 1]) -> class[10] { ... }",
                 true);
}

Message missing_brace(const ErrorPlace &at) {
  auto *parent = dynamic_cast<const antlr4::ParserRuleContext *>(at.error.rule->parent);
  std::string of = "the body";
  std::string help;
  bool equals = at.found_type() == Parser::ASSIGN;
  switch (at.parent_rule()) {
    case Parser::RuleConditional:
      if (equals) return at.here("`=` binds a name, `==` compares", "if a == b { ... }", true);
      help = "if a { ... } else { ... }";
      break;
    case Parser::RuleRepeatStatement:
      help = "repeat i in 0 ..< 3 { ... }";
      break;
    case Parser::RuleBlockDecl:
      of = "the body of the block";
      help = "block name(x) { ... }";
      if (at.found_type() == Parser::ARROW)
        return at.here("a block does not say what it gives, only a network does",
                       "leave out `->` and what follows up to `{`", true);
      break;
    case Parser::RuleNetworkDecl:
      of = "the body of the network";
      help = "network name(image: f32[28, 28, 1]) -> class[10] { ... }";
      break;
    case Parser::RuleSection: {
      std::string kind = at.text(*static_cast<const Token *>(parent->start));
      of = fmt::format("the settings of `{}`", kind);
      bool unnamed = kind == "tune" || kind == "check" || kind == "defaults";
      if (unnamed && (at.found_type() == Parser::NAME || is_outer_word(at.found_type())))
        return at.here(fmt::format("`{}` has no name", kind), kind + " { ... }", true);
      help = kind + (unnamed ? " { ... }" : kind == "data" ? " name { ... }" : " network on data { ... }");
      break;
    }
    default:
      break;
  }
  return at.here(fmt::format("expected `{{` and {}", of), help);
}

Message statement(const ErrorPlace &at) {
  const Token &first = at.first_of_line();
  std::string opener = at.text(first);
  bool outer =
      &first != &at.found && std::find(outer_words().begin(), outer_words().end(), opener) != outer_words().end();
  if (outer && at.found_type() == Parser::LBRACE)
    return {span_of(first, at.error.file), fmt::format("`{}` cannot stand inside a body", opener),
            "declare it at the outermost level, and use it by its name"};
  switch (at.found_type()) {
    case Parser::ARROW:
      return at.here("`->` has no value before it", "begin with the value that goes into the steps: x -> relu", true);
    case Parser::ELSE:
    case Parser::ELSE_IF:
      return at.here("this `else` has no `if` before it", "if a { ... } else { ... }", true);
    case Parser::COLON:
      return at.here("`:` is for the types of parameters, inputs and weights", "leave it out here", true);
    case Parser::ASSIGN:
      return at.here("a statement binds one value", "write each `name = value` for itself", true);
    case Parser::RANGE:
    case Parser::RANGE_OPEN:
      return at.here("a range cannot stand here",
                     "ranges are for loops, params and arguments: repeat i in 0 ..< 3 { ... }", true);
    case Parser::LBRACE:
      return at.here("this `{` begins nothing", "bodies belong to `if`, `else` and `repeat`; lists are written [a, b]",
                     true);
    case Parser::IN:
      return at.here("`in` is for loops and params", "repeat i in 0 ..< 3 { ... }", true);
    default:
      break;
  }
  if (is_binary(at.found_type()))
    return at.here(fmt::format("`{}` has nothing on its left side", at.text(at.found)), "", true);
  return at.here("expected a statement", "");
}

Message setting(const ErrorPlace &at) {
  switch (at.found_type()) {
    case Parser::COLON:
      return at.here("settings are written with `=`", "key = value", true);
    case Parser::ASSIGN:
      return at.here("a setting has one value", "write each `key = value` for itself", true);
    case Parser::LBRACE:
      return at.here("settings do not nest", "what belongs together is a call: optimizer = adam(learning_rate = 1e-3)",
                     true);
    case Parser::RANGE:
    case Parser::RANGE_OPEN:
      return at.here("a range needs a key before it", "key = 0 .. 1");
    default:
      break;
  }
  return at.here("expected a setting, `key = value`", "");
}

Message name(const ErrorPlace &at) {
  std::string help = at.reserved_help();
  switch (at.parent_rule()) {
    case Parser::RuleBlockHeader:
      return at.here("expected the name of the block", help.empty() ? "block name(x) { ... }" : help);
    case Parser::RuleNetworkHeader:
      return at.here("expected the name of the network",
                     help.empty() ? "network name(image: f32[28, 28, 1]) -> class[10] { ... }" : help);
    case Parser::RuleParamDecl:
      return at.here("expected the name of the param", help.empty() ? "param width = 32" : help);
    case Parser::RuleParameter:
      return at.here("expected the name of a parameter", help);
    case Parser::RuleType:
      return at.here("expected a type", help.empty() ? "f32[28, 28, 1], class[10] or int" : help);
    case Parser::RuleSectionHeader:
      if (at.text(*static_cast<const Token *>(
              dynamic_cast<const antlr4::ParserRuleContext *>(at.error.rule->parent)->start)) == "data")
        return at.here("expected the name of the data", help.empty() ? "data name { ... }" : help);
      return at.here(at.previous_type() == Parser::ON ? "expected the name of the data to train on"
                                                      : "expected the name of the network to train",
                     help.empty() ? "train network on data { ... }" : help);
    default:
      return at.here("expected a name", help);
  }
}

Message param(const ErrorPlace &at) {
  if (at.found_type() == Parser::COLON)
    return at.here("a param has the type of its value", "leave out `:` and the type", true);
  return at.here("expected `=` and the value of the param", "param width = 32");
}

Message parameters(const ErrorPlace &at) {
  if (at.found_type() == Parser::TIMES || at.found_type() == Parser::POWER)
    return at.here("parameters are written one by one", "", true);
  if (at.error.rule->start == &at.found)
    return at.here("expected `(` and the parameters", at.parent_rule() == Parser::RuleBlockHeader
                                                          ? "block name(x) { ... }"
                                                          : "network name(image: f32[28, 28, 1]) -> class[10] { ... }");
  return list_of(at, "parameter", ")");
}

Message section_header(const ErrorPlace &at) {
  return at.here("expected `on` and the name of the data", "train network on data { ... }");
}

Message weight(const ErrorPlace &at) {
  const std::string form = "weight kernel: f32[3, 4] = glorot_uniform";
  if (at.previous_type() == Parser::NAME && at.found_type() == Parser::ASSIGN && at.error.rule->children.size() == 2)
    return at.here("a weight needs a type", form, true);
  if (at.error.rule->children.size() == 2) return at.here("expected `:` and the type of the weight", form);
  return at.here("expected `=` and what the weight begins with", form);
}

}  // namespace netc::syntax::describe
