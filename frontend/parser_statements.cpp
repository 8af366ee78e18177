// Bodies of blocks and networks.
#include <fmt/format.h>

#include "frontend/parser_builder.h"

namespace netc::syntax {

using Parser = NetParser;

ast::Body Builder::body(Parser::BodyContext *context, uint32_t &height) {
  ast::Body result;
  result.span = span_of(context);
  for (Parser::StatementContext *child : context->statement())
    if (auto built = statement(child, height)) result.statements.push_back(std::move(*built));
  return result;
}

std::optional<ast::Statement> Builder::statement(Parser::StatementContext *context, uint32_t &height) {
  if (context->exception) return std::nullopt;
  ast::Statement result;
  result.span = span_of(context);
  auto take = [&](Built built) {
    height = std::max(height, built.height);
    return std::move(built.expr);
  };
  if (auto *repeat = context->repeatStatement()) {
    ast::ExprPtr range = take(value(repeat->value()));
    uint32_t inner = 0;
    ast::Body statements = body(repeat->body(), inner);
    height = std::max(height, inner + 1);
    result.node = ast::Repeat{identifier(repeat->NAME()->getSymbol()), std::move(range), std::move(statements)};
  } else if (auto *weight = context->weightStatement()) {
    ast::WeightDecl declaration{
        identifier(weight->NAME()->getSymbol()), type(weight->type()), take(expression(weight->expression())), {}};
    if (weight->entries()) declaration.settings = entries(weight->entries());
    result.node = std::move(declaration);
  } else if (auto *update = context->updateStatement()) {
    result.node = ast::Update{identifier(update->NAME()->getSymbol()), take(value(update->value()))};
  } else if (auto *binding = context->binding()) {
    ast::ExprPtr target = take(expression(context->expression()));
    std::optional<ast::Identifier> first = as_name(target, "a value");
    ast::Assign assign;
    if (first) assign.names.push_back(std::move(*first));
    for (auto *name : binding->NAME()) assign.names.push_back(identifier(name->getSymbol()));
    assign.value = take(value(binding->value()));
    if (!first) return std::nullopt;
    result.node = std::move(assign);
  } else {
    result.node = ast::Evaluate{take(expression(context->expression()))};
  }
  return result;
}

// What stands left of `=` must be a bare name; `role` says what would be named.
std::optional<ast::Identifier> Builder::as_name(ast::ExprPtr &expr, std::string_view role) {
  if (auto *name = std::get_if<ast::Name>(&expr->node)) return ast::Identifier{name->text, expr->span};
  auto &error = diagnostics_.error(expr->span, fmt::format("{} is given to a name: expected a name before `=`", role));
  if (std::holds_alternative<ast::Member>(expr->node) || std::holds_alternative<ast::Subscript>(expr->node))
    error.help("values do not change: bind the new value to a name");
  else
    error.help("`==` compares");
  return std::nullopt;
}

}  // namespace netc::syntax
