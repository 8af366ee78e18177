#include "frontend/parser_messages.h"

#include <fmt/format.h>

#include <algorithm>

#include "NetParser.h"

namespace netc::syntax {

using Parser = NetParser;

namespace {

struct Message {
  Span span;
  std::string text;
  std::string help;
};

bool is_binary(size_t type) {
  return (type >= Parser::PLUS && type <= Parser::GREATER_EQUAL) || type == Parser::AND || type == Parser::OR;
}
bool is_reserved(size_t type) { return type >= Parser::IF && type <= Parser::FALSE; }

const std::vector<std::string> &outer_words() {
  static const std::vector<std::string> words = {"param", "import", "block", "network", "data",
                                                 "train", "tune",   "check", "defaults"};
  return words;
}

// Looks at the place of the error from all sides; each method knows one kind of place.
class Describer {
 public:
  explicit Describer(const SyntaxError &at)
      : at_(at),
        found_(at.tokens.at(at.index)),
        previous_(at.tokens.at(at.index > 0 ? at.index - 1 : 0)),
        rule_(at.rule->getRuleIndex()) {}

  Message describe() const {
    if (std::optional<Message> message = anywhere()) return *message;
    switch (rule_) {
      case Parser::RuleFile:
        return outermost();
      case Parser::RuleBody:
        return at_.rule->start == &found_ ? missing_brace() : statement();
      case Parser::RuleEntries:
        return at_.rule->start == &found_ ? missing_brace() : setting();
      case Parser::RuleSuffix:
        return suffix();
      case Parser::RulePrimary:
        return primary();
      case Parser::RuleName:
        return name();
      case Parser::RuleConditional:
        return here("expected a body in braces", "if a { ... } else { ... }");
      case Parser::RuleParamDecl:
        return param();
      case Parser::RuleImportDecl:
        return here("expected the name of a file in quotes", "import \"layers.net\"");
      case Parser::RuleNetworkHeader:
        return here("expected `->` and what the network gives",
                    "network name(image: f32[28, 28, 1]) -> class[10] { ... }");
      case Parser::RuleParameters:
        return parameters();
      case Parser::RuleParameter:
        return here("expected the name of a parameter", "");
      case Parser::RuleOutputs:
        return list_of("output", ")");
      case Parser::RuleType:
        return list_of("size", "]");
      case Parser::RuleSectionHeader:
        return section_header();
      case Parser::RuleBinding:
        return here("expected `=` and a value for these names", "mean, variance = moments(x)");
      case Parser::RuleRepeatStatement:
        if (found_type() == Parser::ASSIGN)
          return here("`repeat` is a word of the language and cannot be a name", "", true);
        return here("expected a variable and its range after `repeat`", "repeat i in 0 ..< 3 { ... }");
      case Parser::RuleWeightStatement:
        return weight();
      case Parser::RuleUpdateStatement:
        return here("expected `=` and the new value of the weight",
                    "update moving_mean = 0.9 * moving_mean + 0.1 * mean");
      case Parser::RuleValue:
        return at_.rule->start == &found_ ? primary() : list_of("value", "}");
      case Parser::RuleExpression:
        return after_as();
      default:
        return here("expected something else", "");
    }
  }

 private:
  size_t found_type() const { return found_.getType(); }
  size_t previous_type() const { return at_.index > 0 ? previous_.getType() : antlr4::Token::EOF; }
  std::string found_name() const { return name_of(found_, at_.source); }
  std::string text(const Token &token) const { return std::string(text_of(token, at_.source)); }
  bool same_line() const { return at_.index > 0 && previous_.getLine() == found_.getLine(); }
  const Token &first_of_line() const {
    size_t index = at_.index;
    while (index > 0 && !at_.tokens.at(index).starts_line) --index;
    return at_.tokens.at(index);
  }
  size_t parent_rule() const {
    auto *parent = dynamic_cast<const antlr4::ParserRuleContext *>(at_.rule->parent);
    return parent ? parent->getRuleIndex() : SIZE_MAX;
  }

  // "expected ..., found ..."; `exact` when the text says already what is wrong. What is missing at the end of a line
  // is shown there, not in the line after it.
  Message here(std::string text, std::string help, bool exact = false) const {
    bool ended = at_.index > 0 && (found_.starts_line || found_type() == antlr4::Token::EOF);
    if (ended && !exact && text.starts_with("expected") && lacks_in_line())
      return {{at_.file, previous_.end, previous_.end}, std::move(text), std::move(help)};
    if (!exact) text += ", found " + found_name();
    return {span_of(found_, at_.file), std::move(text), std::move(help)};
  }
  bool lacks_in_line() const {
    switch (rule_) {
      case Parser::RuleBody:
      case Parser::RuleEntries:
        return at_.rule->start == &found_;
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
  Message before(std::string text, std::string help) const {
    return {span_of(previous_, at_.file), std::move(text), std::move(help)};
  }

  // What is wrong in the same way wherever it stands.
  std::optional<Message> anywhere() const {
    if (same_line() && previous_type() == Parser::NUMBER && found_type() == Parser::NAME && rule_ != Parser::RuleBody)
      return unknown_unit(found_);
    if (found_type() == Parser::ASSIGN && at_.index > 1) {
      // epochs =
      // batch_size = 64
      const Token &name = previous_, &sign = at_.tokens.at(at_.index - 2);
      bool dangling = sign.getType() == Parser::ASSIGN || sign.getType() == Parser::ARROW || is_binary(sign.getType());
      if (name.getType() == Parser::NAME && name.starts_line && dangling)
        return Message{span_of(sign, at_.file), fmt::format("`{}` has nothing on its right side", text(sign)),
                       "write the value in the same line, or in the next one"};
      // epochs == 20 is a comparison; epochs = 20 = 30 nothing
    }
    // x -> f + y
    if (is_binary(found_type()) && rule_ != Parser::RulePrimary && at_.index > 0 && follows_step())
      return here(fmt::format("`{}` cannot follow a step of a pipeline", text(found_)),
                  fmt::format("put the pipeline in parentheses: (x -> f) {} y", text(found_)), true);
    if (is_binary(found_type()) && rule_ != Parser::RulePrimary && at_.index > 0 && previous_type() == Parser::NAME &&
        at_.index > 1 && at_.tokens.at(at_.index - 2).getType() == Parser::AS)
      return here(fmt::format("`{}` cannot follow `as {}`", text(found_), text(previous_)),
                  "use the name in a statement of its own", true);
    return std::nullopt;
  }

  // Whether the token before ends a step after `->`.
  bool follows_step() const {
    size_t index = at_.index - 1;
    size_t depth = found_.depth;
    for (size_t steps = 0; steps < 200; ++steps) {
      const Token &token = at_.tokens.at(index);
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

  Message unknown_unit(const Token &unit) const {
    return {span_of(unit, at_.file), fmt::format("`{}` is no unit", text(unit)), unit_help(text(unit))};
  }

  Message outermost() const {
    const Token &first = first_of_line();
    if (first.getType() == Parser::PARAM && &first != &found_ && same_line())
      return here("expected `in` and a range, or the end of the param", "param rate = 0.25 in 0.1 .. 0.5");
    if (found_type() != Parser::NAME)
      return here("expected a section or a declaration",
                  "the outermost level has param, import, block, network, data, train, tune, check and defaults");
    std::string word = text(found_);
    size_t next =
        at_.index + 1 < at_.tokens.tokens.size() ? at_.tokens.at(at_.index + 1).getType() : antlr4::Token::EOF;
    if (next == Parser::ASSIGN && word != "model")
      return here("values stand in a section, a block or a network",
                  fmt::format("a value that can be set or tuned is a param: param {} = ...", word), true);
    if (word == "from") return here("`from` is no section", "files are brought in with import \"layers.net\"", true);
    if (word == "model" || word == "sequential" || word == "Sequential" || word == "Model" || word == "graph")
      return here(fmt::format("`{}` is no section", word),
                  "a model is written network name(image: f32[28, 28, 1]) -> class[10] { ... }", true);
    if (word == "layer" || word == "module" || word == "fun" || word == "macro")
      return here(fmt::format("`{}` is no section", word),
                  "a layer of your own is written block name(x, units = 10) { ... }", true);
    if (word == "dataset") return here("`dataset` is no section", "did you mean `data`?", true);
    if (word == "search" || word == "hyperparameters")
      return here(fmt::format("`{}` is no section", word), "did you mean `tune`?", true);
    if (word == "fit" || word == "training" || word == "compile")
      return here(fmt::format("`{}` is no section", word), "did you mean `train`?", true);
    if (std::string near = nearest_name(word, outer_words()); !near.empty())
      return here(fmt::format("`{}` is no section", word), fmt::format("did you mean `{}`?", near), true);
    if (next == Parser::LBRACE || next == Parser::NAME)
      return here(fmt::format("`{}` is no section", word),
                  "the outermost level has param, import, block, network, data, train, tune, check and defaults", true);
    return here("statements stand in a block or a network", "network name(image: f32[28, 28, 1]) -> class[10] { ... }",
                true);
  }

  Message missing_brace() const {
    auto *parent = dynamic_cast<const antlr4::ParserRuleContext *>(at_.rule->parent);
    std::string of = "the body";
    std::string help;
    bool equals = found_type() == Parser::ASSIGN;
    switch (parent_rule()) {
      case Parser::RuleConditional:
        if (equals) return here("`=` binds a name, `==` compares", "if a == b { ... }", true);
        help = "if a { ... } else { ... }";
        break;
      case Parser::RuleRepeatStatement:
        help = "repeat i in 0 ..< 3 { ... }";
        break;
      case Parser::RuleBlockDecl:
        of = "the body of the block";
        help = "block name(x) { ... }";
        if (found_type() == Parser::ARROW)
          return here("a block does not say what it gives, only a network does",
                      "leave out `->` and what follows up to `{`", true);
        break;
      case Parser::RuleNetworkDecl:
        of = "the body of the network";
        help = "network name(image: f32[28, 28, 1]) -> class[10] { ... }";
        break;
      case Parser::RuleSection: {
        std::string kind = text(*static_cast<const Token *>(parent->start));
        of = fmt::format("the settings of `{}`", kind);
        bool unnamed = kind == "tune" || kind == "check" || kind == "defaults";
        if (unnamed && (found_type() == Parser::NAME || is_outer_word(found_type())))
          return here(fmt::format("`{}` has no name", kind), kind + " { ... }", true);
        help = kind + (unnamed ? " { ... }" : kind == "data" ? " name { ... }" : " network on data { ... }");
        break;
      }
      default:
        break;
    }
    return here(fmt::format("expected `{{` and {}", of), help);
  }

  Message statement() const {
    const Token &first = first_of_line();
    std::string opener = text(first);
    bool outer =
        &first != &found_ && std::find(outer_words().begin(), outer_words().end(), opener) != outer_words().end();
    if (outer && found_type() == Parser::LBRACE)
      return {span_of(first, at_.file), fmt::format("`{}` cannot stand inside a body", opener),
              "declare it at the outermost level, and use it by its name"};
    switch (found_type()) {
      case Parser::ARROW:
        return here("`->` has no value before it", "begin with the value that goes into the steps: x -> relu", true);
      case Parser::ELSE:
      case Parser::ELSE_IF:
        return here("this `else` has no `if` before it", "if a { ... } else { ... }", true);
      case Parser::COLON:
        return here("`:` is for the types of parameters, inputs and weights", "leave it out here", true);
      case Parser::ASSIGN:
        return here("a statement binds one value", "write each `name = value` for itself", true);
      case Parser::RANGE:
      case Parser::RANGE_OPEN:
        return here("a range cannot stand here",
                    "ranges are for loops, params and arguments: repeat i in 0 ..< 3 { ... }", true);
      case Parser::LBRACE:
        return here("this `{` begins nothing", "bodies belong to `if`, `else` and `repeat`; lists are written [a, b]",
                    true);
      case Parser::IN:
        return here("`in` is for loops and params", "repeat i in 0 ..< 3 { ... }", true);
      default:
        break;
    }
    if (is_binary(found_type())) return here(fmt::format("`{}` has nothing on its left side", text(found_)), "", true);
    return here("expected a statement", "");
  }

  Message setting() const {
    switch (found_type()) {
      case Parser::COLON:
        return here("settings are written with `=`", "key = value", true);
      case Parser::ASSIGN:
        return here("a setting has one value", "write each `key = value` for itself", true);
      case Parser::LBRACE:
        return here("settings do not nest", "what belongs together is a call: optimizer = adam(learning_rate = 1e-3)",
                    true);
      case Parser::RANGE:
      case Parser::RANGE_OPEN:
        return here("a range needs a key before it", "key = 0 .. 1");
      default:
        break;
    }
    return here("expected a setting, `key = value`", "");
  }

  Message suffix() const {
    const auto &first = *static_cast<const Token *>(at_.rule->start);
    if (first.getType() == Parser::DOT)
      return here("expected a name after `.`", is_reserved(found_type()) ? reserved() : "");
    if (first.getType() == Parser::LBRACKET)
      return here(found_type() == Parser::COMMA ? "one index at a time" : "expected `]` after the index",
                  found_type() == Parser::COMMA ? "x.shape[1]" : "", found_type() == Parser::COMMA);
    if (found_type() == Parser::COLON) return here("arguments are named with `=`", "f(units = 10)", true);
    if (found_type() == Parser::ASSIGN) return here("an argument has one name and one value", "", true);
    return list_of("argument", ")");
  }

  // Inside a list whose items are `item`s and which ends with `end`.
  Message list_of(std::string_view item, std::string_view end) const {
    size_t before = previous_type();
    bool first = before == Parser::LPAREN || before == Parser::GROUP || before == Parser::LIST ||
                 before == Parser::LBRACKET || before == Parser::LBRACE;
    if (found_type() == Parser::ASSIGN && end != ")")
      return here("`=` cannot stand in a list", "a call has named arguments: f(a = 1)", true);
    if (first) {
      std::string_view article = item == "argument" || item == "output" ? "an" : "a";
      return here(fmt::format("expected {} {} or `{}`", article, item, end),
                  is_reserved(found_type()) ? reserved() : "");
    }
    if (before == Parser::COMMA) {
      std::string_view article = item == "argument" || item == "output" ? "an" : "a";
      return here(fmt::format("expected {} {} after `,`", article, item), is_reserved(found_type()) ? reserved() : "");
    }
    bool comma = begins_value(found_type());
    return here(fmt::format("expected `,` or `{}`", end),
                comma ? fmt::format("put a comma between the {}s", item) : "");
  }

  Message primary() const {
    if (at_.rule->start != &found_) {
      size_t opener = at_.rule->start->getType();
      if (opener == Parser::LIST) return list_of("value", "]");
      if (found_type() == Parser::COMMA && static_cast<const Token *>(at_.rule->start)->starts_line)
        return {span_of(*static_cast<const Token *>(at_.rule->start), at_.file),
                "a line that begins with `(` begins a new statement",
                "the `(` of a call stands in the line of the name it calls"};
      if (found_type() == Parser::COMMA) return here("parentheses hold one value", "a list is written [a, b]", true);
      if (found_type() == Parser::ASSIGN) return here("`=` cannot stand in parentheses", "`==` compares", true);
      return here("expected `)`", "");
    }
    size_t before = previous_type();
    std::string sign = text(previous_);
    bool dangles = before == Parser::ARROW || before == Parser::ASSIGN || is_binary(before) ||
                   before == Parser::RANGE || before == Parser::RANGE_OPEN || before == Parser::NEGATE ||
                   before == Parser::NOT;
    if (dangles && found_type() == Parser::ASSIGN && before == Parser::ASSIGN)
      return here("`=` stands here twice", "`==`, without a blank, compares", true);
    if (found_type() == Parser::LBRACE)
      return here("sets stand alone, as the value of a param or an argument", "a list is written [a, b]", true);
    if (found_type() == Parser::REPEAT)
      return here("`repeat` is a statement and has no value", "bind a name inside the loop and use it after it", true);
    if (dangles && is_binary(found_type()) && same_line())
      return here(fmt::format("expected a value between `{}` and {}", sign, found_name()), "", true);
    if (dangles && (found_.starts_line || found_.getType() == antlr4::Token::EOF || found_type() == Parser::RBRACE))
      return before_sign(sign, before);
    std::string help = is_reserved(found_type()) || is_outer_word(found_type()) ? reserved() : "";
    if (before == Parser::ARROW) return here("expected a step after `->`", help);
    if (before == Parser::IF && found_.starts_line) return this->before("expected a condition after `if`", "");
    if (before == Parser::IF) return here("expected a condition after `if`", help);
    if (dangles || before == Parser::IN) return here(fmt::format("expected a value after `{}`", sign), help);
    return here("expected a value", help);
  }
  Message before_sign(const std::string &sign, size_t kind) const {
    if (kind == Parser::ARROW) return before("`->` leads nowhere", "write the step after it, or remove it");
    return before(fmt::format("`{}` has nothing on its right side", sign), "");
  }
  std::string reserved() const {
    return fmt::format("`{}` is a word of the language and cannot be a name", text(found_));
  }

  Message name() const {
    std::string help = is_reserved(found_type()) ? reserved() : "";
    switch (parent_rule()) {
      case Parser::RuleBlockHeader:
        return here("expected the name of the block", help.empty() ? "block name(x) { ... }" : help);
      case Parser::RuleNetworkHeader:
        return here("expected the name of the network",
                    help.empty() ? "network name(image: f32[28, 28, 1]) -> class[10] { ... }" : help);
      case Parser::RuleParamDecl:
        return here("expected the name of the param", help.empty() ? "param width = 32" : help);
      case Parser::RuleParameter:
        return here("expected the name of a parameter", help);
      case Parser::RuleType:
        return here("expected a type", help.empty() ? "f32[28, 28, 1], class[10] or int" : help);
      case Parser::RuleSectionHeader:
        if (text(*static_cast<const Token *>(
                dynamic_cast<const antlr4::ParserRuleContext *>(at_.rule->parent)->start)) == "data")
          return here("expected the name of the data", help.empty() ? "data name { ... }" : help);
        return here(previous_type() == Parser::ON ? "expected the name of the data to train on"
                                                  : "expected the name of the network to train",
                    help.empty() ? "train network on data { ... }" : help);
      default:
        return here("expected a name", help);
    }
  }

  Message param() const {
    if (found_type() == Parser::COLON)
      return here("a param has the type of its value", "leave out `:` and the type", true);
    return here("expected `=` and the value of the param", "param width = 32");
  }

  Message parameters() const {
    if (found_type() == Parser::TIMES || found_type() == Parser::POWER)
      return here("parameters are written one by one", "", true);
    if (at_.rule->start == &found_)
      return here("expected `(` and the parameters", parent_rule() == Parser::RuleBlockHeader
                                                         ? "block name(x) { ... }"
                                                         : "network name(image: f32[28, 28, 1]) -> class[10] { ... }");
    return list_of("parameter", ")");
  }

  Message section_header() const {
    return here("expected `on` and the name of the data", "train network on data { ... }");
  }

  Message weight() const {
    const std::string form = "weight kernel: f32[3, 4] = glorot_uniform";
    if (previous_type() == Parser::NAME && found_type() == Parser::ASSIGN && at_.rule->children.size() == 2)
      return here("a weight needs a type", form, true);
    if (at_.rule->children.size() == 2) return here("expected `:` and the type of the weight", form);
    return here("expected `=` and what the weight begins with", form);
  }

  Message after_as() const { return here("expected a name after `as`", is_reserved(found_type()) ? reserved() : ""); }

  const SyntaxError &at_;
  const Token &found_;
  const Token &previous_;
  size_t rule_;
};

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
  Message message = Describer(at).describe();
  auto &error = diagnostics.error(message.span, message.text);
  if (!message.help.empty()) error.help(message.help);
  size_t rule = at.rule->getRuleIndex();
  return (rule == Parser::RuleBody || rule == Parser::RuleEntries) &&
         at.rule->start == at.tokens.tokens[at.index].get();
}

}  // namespace netc::syntax
