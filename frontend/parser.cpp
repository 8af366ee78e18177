// parse_file: bytes -> tokens -> parse tree -> syntax tree. See parser_tokens.h, grammar/, parser_builder.h.
#include <CommonTokenStream.h>
#include <ListTokenSource.h>
#include <atn/ParserATNSimulator.h>

#include "NetParser.h"
#include "frontend/frontend.h"
#include "frontend/parser_builder.h"
#include "frontend/parser_errors.h"
#include "frontend/parser_tokens.h"

namespace netc {
namespace {

// The parser reads these tokens in order; they stay in the list, which outlives the parser.
class ListedTokens final : public antlr4::TokenStream {
 public:
  explicit ListedTokens(syntax::TokenList &list) : list_(list) {
    for (size_t i = 0; i < list_.tokens.size(); ++i) list_.at(i).setTokenIndex(i);
  }
  antlr4::Token *LT(ssize_t k) override {
    size_t index = k > 0 ? at_ + static_cast<size_t>(k) - 1 : at_ - static_cast<size_t>(-k);
    if (k < 0 && at_ < static_cast<size_t>(-k)) return nullptr;
    return list_.tokens[std::min(index, list_.tokens.size() - 1)].get();
  }
  antlr4::Token *get(size_t index) const override { return list_.tokens[index].get(); }
  antlr4::TokenSource *getTokenSource() const override { return nullptr; }
  std::string getText(const antlr4::misc::Interval &) override { return {}; }
  std::string getText() override { return {}; }
  std::string getText(antlr4::RuleContext *) override { return {}; }
  std::string getText(antlr4::Token *, antlr4::Token *) override { return {}; }
  void consume() override { at_ = std::min(at_ + 1, list_.tokens.size() - 1); }
  size_t LA(ssize_t i) override {
    antlr4::Token *token = LT(i);
    return token ? token->getType() : 0;
  }
  ssize_t mark() override { return 0; }
  void release(ssize_t) override {}
  size_t index() override { return at_; }
  void seek(size_t index) override { at_ = index; }
  size_t size() override { return list_.tokens.size(); }
  std::string getSourceName() const override { return {}; }

 private:
  syntax::TokenList &list_;
  size_t at_ = 0;
};

}  // namespace

std::optional<ast::File> parse_file(const SourceMap &sources, FileId file, Diagnostics &diagnostics) {
  const SourceFile &source = sources.file(file);
  size_t errors_before = diagnostics.error_count();
  std::optional<syntax::TokenList> list = syntax::read_tokens(source, file, diagnostics);
  if (!list) return std::nullopt;

  ListedTokens stream(*list);
  NetParser parser(&stream);
  parser.removeErrorListeners();
  auto errors = std::make_shared<syntax::ErrorStrategy>(*list, source, file, diagnostics);
  parser.setErrorHandler(errors);
  // Every decision of the grammar needs one token, so this mode is exact.
  parser.getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(antlr4::atn::PredictionMode::SLL);
  NetParser::FileContext *tree = nullptr;
  try {
    tree = parser.file();
  } catch (const antlr4::ParseCancellationException &) {
    return std::nullopt;  // too many errors, all reported
  }
  // Each missed `{` explains one `}` after it.
  size_t explained = 0;
  for (Span brace : list->stray_braces) {
    if (explained < errors->missed_braces().size() && errors->missed_braces()[explained] < brace.begin)
      ++explained;
    else
      diagnostics.error(brace, "`}` closes nothing").help("remove it, or write the `{` it should close");
  }

  ast::File result;
  result.id = file;
  result.items = syntax::Builder(*list, source, file, diagnostics).file(tree);
  if (diagnostics.error_count() > errors_before) return std::nullopt;
  return result;
}

}  // namespace netc
