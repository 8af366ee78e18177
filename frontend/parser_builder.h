// From the parse tree to the syntax tree of ast.h: precedence, literals, documentation lines, and the checks of form
// that the grammar leaves out to stay simple. Parts of the tree with a syntax error (reported already) are left out.
#pragma once

#include "NetParser.h"
#include "frontend/ast.h"
#include "frontend/parser_tokens.h"

namespace netc::syntax {

// An expression and the height of its tree, which kMaxTreeHeight bounds.
struct Built {
  ast::ExprPtr expr;
  uint32_t height = 1;
};

class Builder {
 public:
  Builder(const TokenList &tokens, const SourceFile &source, FileId file, Diagnostics &diagnostics)
      : tokens_(tokens), source_(source), file_(file), diagnostics_(diagnostics) {}

  std::vector<ast::Item> file(NetParser::FileContext *context);

 private:
  using Rule = antlr4::ParserRuleContext;

  // parser_builder.cpp
  std::optional<ast::Item> item(NetParser::ItemContext *context);
  ast::ParamDecl param(NetParser::ParamDeclContext *context);
  ast::Import import(NetParser::ImportDeclContext *context);
  ast::BlockDecl block(NetParser::BlockDeclContext *context);
  ast::NetworkDecl network(NetParser::NetworkDeclContext *context);
  ast::Section section(NetParser::SectionContext *context);
  std::vector<ast::Parameter> parameters(NetParser::ParametersContext *context);
  std::vector<ast::NetworkOutput> outputs(NetParser::OutputsContext *context);
  ast::TypeExpr type(NetParser::TypeContext *context);
  std::vector<ast::Entry> entries(NetParser::EntriesContext *context);
  std::optional<ast::Entry> entry(NetParser::EntryContext *context);
  void report_no_setting(const ast::Expr &expr, const Rule *context);
  std::string documentation(Rule *declaration, Rule *body) const;

  // parser_statements.cpp
  ast::Body body(NetParser::BodyContext *context, uint32_t &height);
  std::optional<ast::Statement> statement(NetParser::StatementContext *context, uint32_t &height);
  std::optional<ast::Identifier> as_name(ast::ExprPtr &expr, std::string_view role);

  // parser_expressions.cpp
  Built value(NetParser::ValueContext *context);
  Built expression(NetParser::ExpressionContext *context);
  Built arithmetic(NetParser::ArithmeticContext *context);
  Built step(NetParser::StepContext *context);
  Built suffix(Built object, NetParser::SuffixContext *context);
  Built primary(NetParser::PrimaryContext *context);
  Built conditional(NetParser::ConditionalContext *context);
  Built number(const Token &digits, const Token *unit);
  std::string string_value(const Token &token);
  std::vector<ast::ExprPtr> values(const std::vector<antlr4::tree::ParseTree *> &children, uint32_t &height);

  // Makes a node one higher than the highest of what it holds; past kMaxTreeHeight it is reported and replaced.
  template <typename Node>
  Built make(Span span, Node node, uint32_t height_below) {
    if (height_below >= kMaxTreeHeight) return too_high(span);
    auto expr = std::make_unique<ast::Expr>();
    expr->node = std::move(node);
    expr->span = span;
    return {std::move(expr), height_below + 1};
  }
  Built too_high(Span span);
  void check_commas(const std::vector<antlr4::tree::ParseTree *> &children, std::string_view what);

  Span span_of(const Rule *context) const;
  Span span_of(const Token &token) const { return syntax::span_of(token, file_); }
  const Token &token_of(antlr4::tree::ParseTree *terminal) const;
  std::string text_of(const Token &token) const { return std::string(syntax::text_of(token, source_)); }
  ast::Identifier identifier(const antlr4::Token *token) const;
  ast::Identifier identifier(NetParser::NameContext *context) const { return identifier(context->start); }

  const TokenList &tokens_;
  const SourceFile &source_;
  FileId file_;
  Diagnostics &diagnostics_;
  bool too_high_reported_ = false;
};

}  // namespace netc::syntax
