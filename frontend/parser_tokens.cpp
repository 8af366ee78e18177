#include "frontend/parser_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "NetLexer.h"

namespace netc::syntax {
namespace {

using Lexer = NetLexer;

struct Unit {
  std::string_view written, canonical;
};
constexpr std::array<Unit, 13> kUnits{{{"%", "%"},
                                       {"epoch", "epochs"},
                                       {"epochs", "epochs"},
                                       {"step", "steps"},
                                       {"steps", "steps"},
                                       {"s", "s"},
                                       {"min", "min"},
                                       {"h", "h"},
                                       {"deg", "deg"},
                                       {"degree", "deg"},
                                       {"degrees", "deg"},
                                       {"MB", "MB"},
                                       {"GB", "GB"}}};

bool ends_operand(size_t type) {
  switch (type) {
    case Lexer::NAME:
    case Lexer::NUMBER:
    case Lexer::UNIT:
    case Lexer::STRING:
    case Lexer::TRUE:
    case Lexer::FALSE:
    case Lexer::RPAREN:
    case Lexer::RBRACKET:
    case Lexer::RBRACE:
      return true;
    default:
      return is_outer_word(type);
  }
}

// Walks the tokens once; `open` holds the kinds of the brackets around the present one.
class Classifier {
 public:
  Classifier(TokenList &list, const SourceFile &source) : list_(list), source_(source) {}

  void run() {
    for (index_ = 0; index_ < list_.tokens.size(); ++index_) {
      Token &token = list_.at(index_);
      token.setType(kind(token));
      switch (token.getType()) {
        case Lexer::LPAREN:
        case Lexer::LBRACKET:
        case Lexer::LBRACE:
        case Lexer::GROUP:
        case Lexer::LIST:
          open_.push_back(token.getType());
          break;
        case Lexer::RPAREN:
        case Lexer::RBRACKET:
        case Lexer::RBRACE:
          if (!open_.empty()) open_.pop_back();
          break;
        default:
          break;
      }
    }
  }

 private:
  size_t kind(const Token &token) const {
    switch (token.getType()) {
      case Lexer::LPAREN:
        return follows_operand(token) ? Lexer::LPAREN : Lexer::GROUP;
      case Lexer::LBRACKET:
        return follows_operand(token) ? Lexer::LBRACKET : Lexer::LIST;
      case Lexer::MINUS:
        return is_unary(token) ? Lexer::NEGATE : Lexer::MINUS;
      case Lexer::MODULO:
        return is_percent(token) ? Lexer::UNIT : Lexer::MODULO;
      case Lexer::ELSE:
        return next_type() == Lexer::IF ? Lexer::ELSE_IF : Lexer::ELSE;
      case Lexer::NAME:
        return kind_of_name(token);
      default:
        return is_outer_word(token.getType()) && !open_.empty() ? size_t{Lexer::NAME} : token.getType();
    }
  }

  size_t kind_of_name(const Token &token) const {
    std::string_view text = text_of(token, source_);
    bool name_follows =
        has_next() && same_line(next(), token) && (next().getType() == Lexer::NAME || is_outer_word(next().getType()));
    if (previous_type() == Lexer::NUMBER && same_line(token, previous()) && is_unit(text) &&
        next_type() != Lexer::ASSIGN && next_type() != Lexer::LPAREN)
      return Lexer::UNIT;
    if (text == "log" && (name_follows || (next_type() == Lexer::NUMBER && same_line(next(), token))))
      return Lexer::LOG;
    if (text == "weight" && name_follows && in_braces()) return Lexer::WEIGHT;
    if (text == "update" && name_follows && in_braces()) return Lexer::UPDATE;
    return Lexer::NAME;
  }

  bool in_braces() const { return !open_.empty() && open_.back() == Lexer::LBRACE; }
  bool has_previous() const { return index_ > 0; }
  const Token &previous() const { return list_.at(index_ - 1); }
  size_t previous_type() const { return has_previous() ? previous().getType() : antlr4::Token::EOF; }
  bool has_next() const { return index_ + 1 < list_.tokens.size(); }
  const Token &next() const { return list_.at(index_ + 1); }
  size_t next_type() const { return has_next() ? next().getType() : antlr4::Token::EOF; }
  static bool same_line(const Token &later, const Token &earlier) { return later.getLine() == earlier.getLine(); }

  // Whether a bracket belongs to the operand before it: a call or a subscript.
  bool follows_operand(const Token &bracket) const {
    if (!has_previous() || !ends_operand(previous_type()) || previous_type() == Lexer::RBRACE) return false;
    return !(in_braces() && bracket.starts_line);
  }
  bool is_unary(const Token &minus) const {
    if (!has_previous() || !ends_operand(previous_type())) return true;
    bool touches = has_next() && next().begin == minus.end;
    return in_braces() && minus.starts_line && touches;
  }
  // 10% against 10 % 3 and 10%3
  bool is_percent(const Token &percent) const {
    if (previous_type() != Lexer::NUMBER || previous().end != percent.begin) return false;
    if (!has_next() || next().begin != percent.end) return true;
    size_t type = next_type();
    return type != Lexer::NAME && type != Lexer::NUMBER && type != Lexer::LPAREN;
  }

  TokenList &list_;
  const SourceFile &source_;
  size_t index_ = 0;
  std::vector<size_t> open_;
};

}  // namespace

bool is_outer_word(size_t type) { return type >= Lexer::PARAM && type <= Lexer::ON; }
bool begins_item(size_t type) { return is_outer_word(type) && type != Lexer::ON; }

bool is_unit(std::string_view text) {
  return std::any_of(kUnits.begin(), kUnits.end(), [&](const Unit &unit) { return unit.written == text; });
}

std::string canonical_unit(std::string_view text) {
  for (const Unit &unit : kUnits)
    if (unit.written == text) return std::string(unit.canonical);
  return {};
}

std::string unit_help(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kOthers{{{"seconds", "s"},
                                                                                   {"second", "s"},
                                                                                   {"sec", "s"},
                                                                                   {"minutes", "min"},
                                                                                   {"minute", "min"},
                                                                                   {"hours", "h"},
                                                                                   {"hour", "h"},
                                                                                   {"hrs", "h"},
                                                                                   {"percent", "%"},
                                                                                   {"iterations", "steps"}}};
  for (auto [word, unit] : kOthers)
    if (word == text) return fmt::format("did you mean `{}`?", unit);
  std::vector<std::string> names;
  for (const Unit &unit : kUnits) names.emplace_back(unit.written);
  std::string near = nearest_name(text, names);
  return near.empty() ? "the units are %, epochs, steps, s, min, h and deg" : fmt::format("did you mean `{}`?", near);
}

void classify_by_neighbours(TokenList &list, const SourceFile &source) { Classifier(list, source).run(); }

std::optional<TokenList> read_tokens(const SourceFile &source, FileId file, Diagnostics &diagnostics) {
  std::optional<TokenList> list = lex(source, file, diagnostics);
  if (!list) return std::nullopt;
  mend_foreign_words(*list, source, file, diagnostics);
  if (!match_brackets(*list, source, file, diagnostics)) return std::nullopt;
  classify_by_neighbours(*list, source);
  return list;
}

}  // namespace netc::syntax
