// Bytes to raw tokens, with the limits that keep any input harmless.
#include <ANTLRInputStream.h>
#include <TokenFactory.h>
#include <fmt/format.h>

#include "NetLexer.h"
#include "frontend/parser_tokens.h"
#include "support/utf8.h"

namespace netc::syntax {
namespace {

// One symbol a byte; bytes from 0x80 on look alike, which keeps the lexer's tables within ASCII and so fast.
class ByteStream final : public antlr4::CharStream {
 public:
  explicit ByteStream(std::string_view text) : text_(text) {}
  void consume() override { ++at_; }
  size_t LA(ssize_t i) override {
    size_t where = at_ + static_cast<size_t>(i > 0 ? i - 1 : i);
    if (where >= text_.size()) return antlr4::IntStream::EOF;
    auto byte = static_cast<unsigned char>(text_[where]);
    return byte >= 0x80 ? 0x7F : byte;
  }
  ssize_t mark() override { return -1; }
  void release(ssize_t) override {}
  size_t index() override { return at_; }
  void seek(size_t index) override { at_ = index; }
  size_t size() override { return text_.size(); }
  std::string getSourceName() const override { return {}; }
  std::string getText(const antlr4::misc::Interval &interval) override {
    return std::string(text_.substr(static_cast<size_t>(interval.a), static_cast<size_t>(interval.b - interval.a + 1)));
  }
  std::string toString() const override { return std::string(text_); }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

class Factory final : public antlr4::TokenFactory<antlr4::CommonToken> {
 public:
  std::unique_ptr<antlr4::CommonToken> create(std::pair<antlr4::TokenSource *, antlr4::CharStream *>, size_t type,
                                              const std::string &, size_t channel, size_t start, size_t stop,
                                              size_t line, size_t column) override {
    auto token =
        std::make_unique<Token>(std::pair<antlr4::TokenSource *, antlr4::CharStream *>{}, type, channel, start, stop);
    token->begin = static_cast<uint32_t>(start);
    token->end = type == antlr4::Token::EOF ? token->begin : static_cast<uint32_t>(stop + 1);
    token->setLine(line);
    token->setCharPositionInLine(column);
    return token;
  }
  std::unique_ptr<antlr4::CommonToken> create(size_t type, const std::string &) override {
    return std::make_unique<Token>(type);
  }
};

bool check_text(std::string_view text, FileId file, Diagnostics &diagnostics) {
  if (text.size() > kMaxBytes) {
    diagnostics.error({file, 0, 0}, fmt::format("the file has {} bytes, more than the {} a .net file may have",
                                                text.size(), kMaxBytes));
    return false;
  }
  for (size_t at = 0; at < text.size();) {
    size_t length = utf8_length(text, at);
    auto place = static_cast<uint32_t>(at);
    if (length == 0) {
      diagnostics.error({file, place, place + 1}, "the file is not UTF-8 text from this byte on")
          .help("save the file with the encoding UTF-8");
      return false;
    }
    if (text[at] == '\0') {
      diagnostics.error({file, place, place + 1}, "there is a zero byte in the file, so it is no text")
          .help("is this really a .net file?");
      return false;
    }
    at += length;
  }
  return true;
}

}  // namespace

std::optional<TokenList> lex(const SourceFile &source, FileId file, Diagnostics &diagnostics) {
  std::string_view text = source.text();
  if (!check_text(text, file, diagnostics)) return std::nullopt;
  ByteStream stream(text);
  if (text.starts_with("\xEF\xBB\xBF")) stream.seek(3);  // the mark some editors put first
  NetLexer lexer(&stream);
  Factory factory;
  lexer.setTokenFactory(&factory);

  TokenList list;
  list.tokens.reserve(text.size() / 4 + 1);
  size_t last_line = 0;
  for (;;) {
    std::unique_ptr<antlr4::Token> next = lexer.nextToken();
    auto &token = static_cast<Token &>(*next);
    if (token.getType() == NetLexer::DOC) {
      std::string_view words = text_of(token, source).substr(2);
      if (words.starts_with(' ')) words.remove_prefix(1);
      while (!words.empty() && words.back() == ' ') words.remove_suffix(1);
      list.docs.push_back({token.begin, token.end, static_cast<uint32_t>(token.getLine()), std::string(words)});
      continue;
    }
    token.starts_line = token.getLine() != last_line;
    last_line = token.getLine();
    bool ends = token.getType() == antlr4::Token::EOF;
    list.tokens.push_back(std::move(next));
    if (ends) return list;
    if (list.tokens.size() > kMaxTokens) {
      diagnostics.error(span_of(token, file), fmt::format("the file has more than {} words and signs", kMaxTokens))
          .help("split it into several files and `import` them");
      return std::nullopt;
    }
  }
}

}  // namespace netc::syntax
