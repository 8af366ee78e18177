// Reports what is no word of the language and puts the word in its place that was meant, so that nothing else goes wrong.
#include <fmt/format.h>

#include "NetLexer.h"
#include "frontend/parser_tokens.h"

namespace netc::syntax {
namespace {

using Lexer = NetLexer;

class Mender {
 public:
  Mender(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics)
      : list_(list), source_(source), file_(file), diagnostics_(diagnostics) {}

  void run() {
    std::vector<std::unique_ptr<antlr4::Token>> input = std::move(list_.tokens);
    list_.tokens.clear();
    for (auto &token : input) {
      if (mend(static_cast<Token &>(*token))) list_.tokens.push_back(std::move(token));
    }
  }

 private:
  Diagnostic &error(const Token &token, std::string message) {
    return diagnostics_.error(span_of(token, file_), std::move(message));
  }

  // Whether the token stays.
  bool mend(Token &token) {
    std::string_view text = text_of(token, source_);
    switch (token.getType()) {
      case Lexer::OTHER:
        error(token, fmt::format("unexpected character `{}`", text));
        return false;
      default:
        return true;
    }
  }

  TokenList &list_;
  const SourceFile &source_;
  FileId file_;
  Diagnostics &diagnostics_;
};

}  // namespace

void mend_foreign_words(TokenList &list, const SourceFile &source, FileId file, Diagnostics &diagnostics) {
  Mender(list, source, file, diagnostics).run();
}

}  // namespace netc::syntax
