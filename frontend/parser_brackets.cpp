// Matches brackets and mends what does not match, so that the parser sees balanced brackets only.
//
// An opening bracket that is never closed is closed where the brackets around it close, at the next line that can only
// begin a new part of the file (`network NAME`, `data NAME`, ... in the first column), or at the end. A bracket that
// closes nothing is dropped.
#include <fmt/format.h>

#include <algorithm>

#include "NetLexer.h"
#include "frontend/parser_tokens.h"

namespace netc::syntax {
namespace {

using Lexer = NetLexer;

size_t closer_of(size_t type) {
  switch (type) {
    case Lexer::LPAREN:
      return Lexer::RPAREN;
    case Lexer::LBRACKET:
      return Lexer::RBRACKET;
    case Lexer::LBRACE:
      return Lexer::RBRACE;
    default:
      return 0;
  }
}
bool closes(size_t type) { return type == Lexer::RPAREN || type == Lexer::RBRACKET || type == Lexer::RBRACE; }

std::string_view spelling(size_t closer) {
  return closer == Lexer::RPAREN ? ")" : closer == Lexer::RBRACKET ? "]" : "}";
}

class Matcher {
 public:
  Matcher(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics)
      : list_(list), source_(source), file_(file), diagnostics_(diagnostics) {}

  bool run() {
    std::vector<std::unique_ptr<antlr4::Token>> input = std::move(list_.tokens);
    list_.tokens.clear();
    for (size_t i = 0; i < input.size(); ++i) {
      auto &token = static_cast<Token &>(*input[i]);
      size_t type = token.getType();
      if (type == Lexer::LBRACE) close_before_brace(token);
      if (!open_.empty() && (type == antlr4::Token::EOF || begins_part(input, i))) close_all(token);
      if (closes(type)) {
        if (!close(token)) continue;  // dropped
      } else {
        token.depth = static_cast<uint16_t>(open_.size());
        if (closer_of(type) != 0) {
          if (open_.size() == kMaxNesting) {
            diagnostics_.error(span_of(token, file_), fmt::format("brackets are nested deeper than {}", kMaxNesting))
                .help("give the inner parts names");
            return false;
          }
          open_.push_back({list_.tokens.size()});
        } else if (type == Lexer::IF && !open_.empty()) {
          open_.back().holds_if = true;
        }
      }
      list_.tokens.push_back(std::move(input[i]));
    }
    return true;
  }

 private:
  struct Open {
    size_t index;  // of the bracket
    bool holds_if = false;
  };
  size_t type_of(const Open &open) const { return list_.at(open.index).getType(); }

  // Whether a new part of the file begins here, whatever the brackets say: a word of the outermost level in the first
  // column, with what must follow it.
  static bool begins_part(const std::vector<std::unique_ptr<antlr4::Token>> &input, size_t i) {
    auto type = [&](size_t at) { return at < input.size() ? input[at]->getType() : antlr4::Token::EOF; };
    if (input[i]->getCharPositionInLine() != 0) return false;
    switch (type(i)) {
      case Lexer::BLOCK:
      case Lexer::NETWORK:
        return type(i + 1) == Lexer::NAME && type(i + 2) == Lexer::LPAREN;
      case Lexer::PARAM:
        return type(i + 1) == Lexer::NAME && type(i + 2) == Lexer::ASSIGN;
      case Lexer::DATA:
        return type(i + 1) == Lexer::NAME && type(i + 2) == Lexer::LBRACE;
      case Lexer::TRAIN:
        return type(i + 1) == Lexer::NAME && (type(i + 2) == Lexer::ON || type(i + 2) == Lexer::COLON);
      case Lexer::TUNE:
      case Lexer::CHECK:
      case Lexer::DEFAULTS:
        return type(i + 1) == Lexer::LBRACE;
      case Lexer::IMPORT:
        return type(i + 1) == Lexer::STRING;
      default:
        return false;
    }
  }

  // A body that begins inside parentheses without an `if`: block f(x {
  void close_before_brace(const Token &brace) {
    while (!open_.empty() && type_of(open_.back()) != Lexer::LBRACE && !open_.back().holds_if) {
      size_t before = list_.at(list_.tokens.size() - 1).getType();
      bool operand = before == Lexer::NAME || before == Lexer::NUMBER || before == Lexer::RPAREN ||
                     before == Lexer::RBRACKET || before == Lexer::TRUE || before == Lexer::FALSE ||
                     before == Lexer::STRING;
      if (!operand) return;
      close_missing(brace);
    }
  }

  bool close(Token &token) {
    size_t type = token.getType();
    auto match =
        std::find_if(open_.rbegin(), open_.rend(), [&](const Open &open) { return closer_of(type_of(open)) == type; });
    // A `)` does not close what is outside of the braces it stands in.
    bool hidden = type != Lexer::RBRACE &&
                  std::any_of(open_.rbegin(), match, [&](const Open &open) { return type_of(open) == Lexer::LBRACE; });
    if (match == open_.rend() && type == Lexer::RBRACE) {
      list_.stray_braces.push_back(span_of(token, file_));
      return false;
    }
    if (match == open_.rend() || hidden) {
      diagnostics_.error(span_of(token, file_), fmt::format("`{}` closes nothing", text_of(token, source_)))
          .help("remove it, or write the bracket it should close");
      return false;
    }
    while (closer_of(type_of(open_.back())) != type) close_missing(token);
    note_indentation(list_.at(open_.back().index), token);
    open_.pop_back();
    token.depth = static_cast<uint16_t>(open_.size());
    return true;
  }

  void close_all(const Token &at) {
    while (!open_.empty()) close_missing(at);
  }

  // Closes the innermost open bracket before `at`.
  void close_missing(const Token &at) {
    size_t opener = open_.back().index;
    open_.pop_back();
    Token &bracket = list_.at(opener);
    size_t type = closer_of(bracket.getType());
    // A string that swallowed the rest of its line swallowed the bracket too.
    bool swallowed =
        std::any_of(list_.tokens.begin() + static_cast<ssize_t>(opener), list_.tokens.end(), [](const auto &token) {
          return token->getType() == Lexer::STRING && static_cast<const Token &>(*token).reported;
        });
    if (!swallowed) report(bracket, at);
    auto closer = std::make_unique<Token>(std::pair<antlr4::TokenSource *, antlr4::CharStream *>{}, type,
                                          antlr4::Token::DEFAULT_CHANNEL, at.begin, at.begin);
    closer->begin = closer->end = list_.at(list_.tokens.size() - 1).end;
    closer->depth = static_cast<uint16_t>(open_.size());
    closer->setLine(list_.at(list_.tokens.size() - 1).getLine());
    closer->reported = true;
    if (type != Lexer::RBRACE)
      for (size_t i = opener; i < list_.tokens.size(); ++i) list_.at(i).reported = true;
    list_.tokens.push_back(std::move(closer));
  }

  void report(const Token &bracket, const Token &at) {
    const Token *culprit = &bracket;
    // When a brace inside was closed by a `}` that is indented like this one, that brace is the one to mend.
    if (bracket.getType() == Lexer::LBRACE && suspect_ && suspect_->begin > bracket.begin) culprit = suspect_;
    suspect_ = nullptr;
    std::string_view wanted = spelling(closer_of(bracket.getType()));
    auto &error =
        diagnostics_.error(span_of(*culprit, file_), fmt::format("`{}` is never closed", text_of(*culprit, source_)));
    if (at.getType() == antlr4::Token::EOF)
      error.help(fmt::format("write the `{}` that closes it", wanted));
    else
      error.note(span_of(at, file_), fmt::format("`{}` should come before this", wanted));
  }

  uint32_t indentation(const Token &token) const {
    std::string_view line = source_.line(static_cast<uint32_t>(token.getLine()));
    return static_cast<uint32_t>(std::min(line.find_first_not_of(" \t"), line.size()));
  }

  void note_indentation(const Token &opener, const Token &closer) {
    if (opener.getType() != Lexer::LBRACE || !closer.starts_line || suspect_) return;
    if (indentation(closer) < indentation(opener)) suspect_ = &opener;
  }

  TokenList &list_;
  const SourceFile &source_;
  FileId file_;
  Diagnostics &diagnostics_;
  std::vector<Open> open_;
  const Token *suspect_ = nullptr;  // a `{` whose `}` is indented less than its line
};

}  // namespace

bool match_brackets(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics) {
  return Matcher(list, source, file, diagnostics).run();
}

}  // namespace netc::syntax
