// From bytes to the tokens the grammar reads: lexing, then one pass over the words and their neighbours.
//
// The lexer of the grammar sees one symbol a byte, with all bytes from 0x80 on as one symbol, so offsets of tokens are
// offsets of bytes and no byte is unknown to it. The pass after it
//   - reports and mends what is no word of the language (habits of other languages, characters, quotes),
//   - matches brackets, reports those that are not closed or close nothing, and mends them, so that the parser always
//   sees
//     balanced ones and an error inside cannot spoil what follows,
//   - decides by its neighbours what a word is: `(` of a call or of a group, `-` binary or unary, units, words that are
//     special in one place only. Layout matters in one rule: directly inside braces, a line that begins with `(`, `[`
//     or with a `-` that touches what follows begins a new statement.
#pragma once

#include <CommonToken.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/diagnostics.h"

namespace netc::syntax {

inline constexpr size_t kMaxBytes = 16u << 20;
inline constexpr size_t kMaxTokens = 250'000;
inline constexpr size_t kMaxNesting = 200;      // of brackets
inline constexpr size_t kMaxTreeHeight = 1000;  // of the syntax tree: chains of operators and steps count

struct Token final : antlr4::CommonToken {
  using CommonToken::CommonToken;
  uint32_t begin = 0, end = 0;  // bytes
  uint16_t depth = 0;           // brackets around it; a bracket itself is outside of what it encloses
  bool starts_line = false;
  bool reported = false;  // it, or the brackets around it, had an error: a second message here would be noise
};

// One `##` line.
struct DocLine {
  uint32_t begin = 0, end = 0, line = 0;
  std::string text;  // without the hashes and the space after them
};

struct TokenList {
  std::vector<std::unique_ptr<antlr4::Token>> tokens;  // all are Token; the last is EOF
  std::vector<DocLine> docs;
  // Each `}` that closes nothing: dropped, and reported by the parser unless a `{` was missed before it.
  std::vector<Span> stray_braces;
  const Token &at(size_t index) const { return static_cast<const Token &>(*tokens[index]); }
  Token &at(size_t index) { return static_cast<Token &>(*tokens[index]); }
};

// Nothing when the file is beyond the limits or no text at all; other errors are reported and mended.
std::optional<TokenList> read_tokens(const SourceFile &source, FileId file, Diagnostics &diagnostics);

// The steps of read_tokens, in their order.
std::optional<TokenList> lex(const SourceFile &source, FileId file, Diagnostics &diagnostics);
void mend_foreign_words(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics);
bool match_brackets(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics);
void classify_by_neighbours(TokenList &list, const SourceFile &source);

inline std::string_view text_of(const Token &token, const SourceFile &source) {
  return std::string_view(source.text()).substr(token.begin, token.end - token.begin);
}
inline Span span_of(const Token &token, FileId file) { return {file, token.begin, token.end}; }

// Words that are special outside brackets alone: `param` to `on`; and those of them that begin an item of the file.
bool is_outer_word(size_t type);
bool begins_item(size_t type);

// The units a number may carry, as written; "epoch" maps to "epochs".
bool is_unit(std::string_view text);
std::string canonical_unit(std::string_view text);
// How to mend a unit that is none: the nearest one, or all of them.
std::string unit_help(std::string_view text);

}  // namespace netc::syntax
