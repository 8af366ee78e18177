#include "frontend/parser_builder.h"

#include <fmt/format.h>

#include <algorithm>

namespace netc::syntax {

using Parser = NetParser;

std::vector<ast::Item> Builder::file(Parser::FileContext *context) {
  std::vector<ast::Item> items;
  for (Parser::ItemContext *child : context->item())
    if (auto built = item(child)) items.push_back(std::move(*built));
  return items;
}

std::optional<ast::Item> Builder::item(Parser::ItemContext *context) {
  if (context->exception) return std::nullopt;
  ast::Item result;
  result.span = span_of(context);
  if (auto *child = context->paramDecl())
    result.node = param(child);
  else if (auto *child = context->importDecl())
    result.node = import(child);
  else if (auto *child = context->blockDecl())
    result.node = block(child);
  else if (auto *child = context->networkDecl())
    result.node = network(child);
  else
    result.node = section(context->section());
  return result;
}

ast::ParamDecl Builder::param(Parser::ParamDeclContext *context) {
  auto values = context->value();
  ast::ParamDecl result{identifier(context->name()), value(values[0]).expr, nullptr, nullptr};
  if (values.size() > 1) result.space = value(values[1]).expr;
  if (context->expression()) result.condition = expression(context->expression()).expr;
  return result;
}

ast::Import Builder::import(Parser::ImportDeclContext *context) { return {string_value(token_of(context->STRING()))}; }

ast::BlockDecl Builder::block(Parser::BlockDeclContext *context) {
  ast::BlockDecl result;
  if (auto *header = context->blockHeader(); !header->exception) {
    result.name = identifier(header->name());
    result.parameters = parameters(header->parameters());
  }
  uint32_t height = 0;
  result.doc = documentation(context, context->body());
  result.body = body(context->body(), height);
  return result;
}

ast::NetworkDecl Builder::network(Parser::NetworkDeclContext *context) {
  ast::NetworkDecl result;
  if (auto *header = context->networkHeader(); !header->exception) {
    result.name = identifier(header->name());
    result.inputs = parameters(header->parameters());
    result.outputs = outputs(header->outputs());
  }
  uint32_t height = 0;
  result.doc = documentation(context, context->body());
  result.body = body(context->body(), height);
  return result;
}

std::vector<ast::Parameter> Builder::parameters(Parser::ParametersContext *context) {
  check_commas(context->children, "a parameter");
  std::vector<ast::Parameter> result;
  for (Parser::ParameterContext *child : context->parameter()) {
    if (child->exception) continue;
    ast::Parameter parameter{identifier(child->name()), std::nullopt, nullptr};
    if (child->type()) parameter.type = type(child->type());
    if (child->value()) parameter.fallback = value(child->value()).expr;
    result.push_back(std::move(parameter));
  }
  return result;
}

std::vector<ast::NetworkOutput> Builder::outputs(Parser::OutputsContext *context) {
  check_commas(context->children, "an output");
  std::vector<ast::NetworkOutput> result;
  for (Parser::OutputContext *child : context->output()) {
    auto types = child->type();
    if (types.size() == 1) {
      result.push_back({std::nullopt, type(types[0])});
      continue;
    }
    if (types[0]->LBRACKET())
      diagnostics_.error(span_of(types[0]), "expected the name of an output before `:`")
          .help("as in probabilities: f32[10]");
    result.push_back({identifier(types[0]->name()), type(types[1])});
  }
  return result;
}

ast::TypeExpr Builder::type(Parser::TypeContext *context) {
  check_commas(context->children, "a size");
  ast::TypeExpr result{identifier(context->name()), context->LBRACKET() != nullptr, {}, span_of(context)};
  for (Parser::ExpressionContext *child : context->expression()) result.shape.push_back(expression(child).expr);
  return result;
}

ast::Section Builder::section(Parser::SectionContext *context) {
  ast::Section result;
  Parser::SectionHeaderContext *header = context->sectionHeader();
  result.kind = identifier(header->start);
  if (!header->exception) {
    auto names = header->name();
    if (header->DATA()) {
      result.name = identifier(names[0]);
    } else if (header->TRAIN()) {
      if (names.size() == 3) result.name = identifier(names[0]);
      result.network = identifier(names[names.size() - 2]);
      result.data = identifier(names.back());
    }
  }
  result.entries = entries(context->entries());
  return result;
}

std::vector<ast::Entry> Builder::entries(Parser::EntriesContext *context) {
  std::vector<ast::Entry> result;
  for (Parser::EntryContext *child : context->entry())
    if (auto built = entry(child)) result.push_back(std::move(*built));
  return result;
}

std::optional<ast::Entry> Builder::entry(Parser::EntryContext *context) {
  if (context->exception) return std::nullopt;
  Built first = expression(context->expression());
  ast::Entry result;
  result.span = span_of(context);
  if (context->value()) {
    result.key = as_name(first.expr, "a setting");
    result.value = value(context->value()).expr;
    if (!result.key) return std::nullopt;
    return result;
  }
  auto *comparison = std::get_if<ast::BinaryOp>(&first.expr->node);
  if (comparison && comparison->op == "==") {
    diagnostics_.error(first.expr->span, "expected a setting, `key = value`, found a comparison").help("write one `=`");
    return std::nullopt;
  }
  if (!std::holds_alternative<ast::Call>(first.expr->node)) {
    report_no_setting(*first.expr, context);
    return std::nullopt;
  }
  result.value = std::move(first.expr);
  return result;
}

// A value without a key. Where the parser stumbled over the same line, that says enough.
void Builder::report_no_setting(const ast::Expr &expr, const Rule *context) {
  constexpr size_t kMany = 1000;  // errors, after which nobody misses another
  if (diagnostics_.error_count() > kMany) return;
  uint32_t line = source_.position(expr.span.begin).line;
  bool known = std::any_of(diagnostics_.all().begin(), diagnostics_.all().end(), [&](const Diagnostic &d) {
    return d.span.file == file_ && source_.position(d.span.begin).line == line;
  });
  if (known) return;
  size_t index = context->start->getTokenIndex();
  const auto *name = std::get_if<ast::Name>(&expr.node);
  if (name && index > 0 && tokens_.at(index - 1).getType() == Parser::NUMBER &&
      tokens_.at(index - 1).getLine() == line) {
    diagnostics_.error(expr.span, fmt::format("`{}` is no unit", name->text)).help(unit_help(name->text));
    return;
  }
  auto &error =
      diagnostics_.error(expr.span, "expected a setting, `key = value`, or a call such as gradients(tolerance = 1e-5)");
  if (name) error.help(name->text + " = ...");
}
// The `##` lines at the start of the body, or else the ones right above the declaration.
std::string Builder::documentation(Rule *declaration, Rule *body) const {
  const auto &docs = tokens_.docs;
  auto from = [&](uint32_t offset) {
    return std::lower_bound(docs.begin(), docs.end(), offset,
                            [](const DocLine &line, uint32_t place) { return line.begin < place; });
  };
  const Token &brace = tokens_.at(body->start->getTokenIndex());
  const Token &after = tokens_.at(brace.getTokenIndex() + 1);
  auto first = from(brace.end), last = from(after.begin);
  if (first == last) {
    size_t index = declaration->start->getTokenIndex();
    last = from(tokens_.at(index).begin);
    first = last;
    auto line = static_cast<uint32_t>(declaration->start->getLine());
    while (first != docs.begin() && std::prev(first)->line + 1 == line &&
           (index == 0 || std::prev(first)->begin >= tokens_.at(index - 1).end))
      line = (--first)->line;
  }
  std::string text;
  for (auto line = first; line != last; ++line) text += (line == first ? "" : "\n") + line->text;
  return text;
}

Span Builder::span_of(const Rule *context) const {
  const auto &first = static_cast<const Token &>(*context->start);
  const auto &last = static_cast<const Token &>(*(context->stop ? context->stop : context->start));
  return {file_, first.begin, std::max(first.end, last.end)};
}

const Token &Builder::token_of(antlr4::tree::ParseTree *terminal) const {
  return static_cast<const Token &>(*static_cast<antlr4::tree::TerminalNode *>(terminal)->getSymbol());
}

ast::Identifier Builder::identifier(const antlr4::Token *token) const {
  const auto &name = static_cast<const Token &>(*token);
  return {text_of(name), span_of(name)};
}

}  // namespace netc::syntax
