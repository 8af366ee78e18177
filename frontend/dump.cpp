// --emit=tokens and --emit=ast: what the lexer and the parser understood, one token or statement a line.
#include <fmt/format.h>

#include "NetLexer.h"
#include "frontend/frontend.h"
#include "frontend/parser_tokens.h"

namespace netc {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + '"';
}

// Expressions as (operator operand ...); bodies as indented lines.
class AstPrinter {
 public:
  std::string take() { return std::move(out_); }

  void file(const ast::File &file) {
    for (const ast::Item &item : file.items) std::visit([&](const auto &node) { print(node); }, item.node);
  }

 private:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args &&...args) {
    out_.append(2 * indent_, ' ');
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  template <typename Inside>
  void indented(Inside inside) {
    ++indent_;
    inside();
    --indent_;
  }

  void print(const ast::ParamDecl &node) {
    line("param {} = {}{}{}", node.name.text, text(node.value), node.space ? " in " + text(node.space) : "",
         node.condition ? " if " + text(node.condition) : "");
  }
  void print(const ast::Import &node) { line("import {}", in_quotes(node.path)); }
  void print(const ast::BlockDecl &node) {
    line("block {}", node.name.text);
    indented([&] {
      if (!node.doc.empty()) line("doc {}", in_quotes(node.doc));
      for (const ast::Parameter &parameter : node.parameters) print(parameter);
      body(node.body);
    });
  }
  void print(const ast::NetworkDecl &node) {
    line("network {}", node.name.text);
    indented([&] {
      if (!node.doc.empty()) line("doc {}", in_quotes(node.doc));
      for (const ast::Parameter &input : node.inputs) print(input);
      for (const ast::NetworkOutput &output : node.outputs)
        line("output {}{}", output.name ? output.name->text + ": " : "", text(output.type));
      body(node.body);
    });
  }
  void print(const ast::Section &node) {
    std::string head = node.kind.text;
    if (node.name) head += " " + node.name->text;
    if (node.network) head += " network " + node.network->text;
    if (node.data) head += " data " + node.data->text;
    line("section {}", head);
    indented([&] {
      for (const ast::Entry &entry : node.entries) line("{}", text(entry));
    });
  }
  void print(const ast::Parameter &node) {
    line("parameter {}{}{}", node.name.text, node.type ? ": " + text(*node.type) : "",
         node.fallback ? " = " + text(node.fallback) : "");
  }

  void body(const ast::Body &body) {
    for (const ast::Statement &statement : body.statements)
      std::visit([&](const auto &node) { print(node); }, statement.node);
  }
  void print(const ast::Assign &node) {
    std::string names;
    for (const ast::Identifier &name : node.names) names += (names.empty() ? "" : ", ") + name.text;
    line("{} = {}", names, text(node.value));
  }
  void print(const ast::Repeat &node) {
    line("repeat {} in {}", node.variable.text, text(node.range));
    indented([&] { body(node.body); });
  }
  void print(const ast::WeightDecl &node) {
    std::string settings;
    for (const ast::Entry &entry : node.settings) settings += (settings.empty() ? " { " : ", ") + text(entry);
    line("weight {}: {} = {}{}", node.name.text, text(node.type), text(node.initializer),
         settings.empty() ? "" : settings + " }");
  }
  void print(const ast::Update &node) { line("update {} = {}", node.name.text, text(node.value)); }
  void print(const ast::Evaluate &node) { line("{}", text(node.value)); }

  std::string text(const ast::ExprPtr &expr) {
    return std::visit([&](const auto &node) { return form(node); }, expr->node);
  }
  std::string text(const ast::Entry &entry) { return (entry.key ? entry.key->text + " = " : "") + text(entry.value); }
  std::string text(const ast::TypeExpr &type) {
    return type.name.text + (type.has_shape ? "[" + list(type.shape, ", ") + "]" : "");
  }
  std::string list(const std::vector<ast::ExprPtr> &items, std::string_view separator) {
    std::string joined;
    for (const ast::ExprPtr &item : items) joined.append(joined.empty() ? "" : separator).append(text(item));
    return joined;
  }

  std::string form(const ast::Number &node) {
    std::string digits = fmt::format("{}", node.value);
    if (node.is_integer && digits.ends_with(".0")) digits.resize(digits.size() - 2);
    return digits + (node.unit.empty() || node.unit == "%" ? "" : " ") + node.unit;
  }
  std::string form(const ast::String &node) { return in_quotes(node.value); }
  std::string form(const ast::Boolean &node) { return node.value ? "true" : "false"; }
  std::string form(const ast::Name &node) { return node.text; }
  std::string form(const ast::List &node) { return "[" + list(node.items, ", ") + "]"; }
  std::string form(const ast::Set &node) { return "{" + list(node.items, ", ") + "}"; }
  std::string form(const ast::Call &node) {
    std::string arguments;
    for (const ast::Argument &argument : node.arguments)
      arguments += " " + (argument.name ? argument.name->text + "=" : "") + text(argument.value);
    return "(call " + text(node.callee) + arguments + ")";
  }
  std::string form(const ast::Member &node) { return "(. " + text(node.object) + " " + node.name.text + ")"; }
  std::string form(const ast::Subscript &node) { return "(at " + text(node.object) + " " + text(node.index) + ")"; }
  std::string form(const ast::UnaryOp &node) { return "(" + node.op + " " + text(node.operand) + ")"; }
  std::string form(const ast::BinaryOp &node) {
    return "(" + node.op + " " + text(node.left) + " " + text(node.right) + ")";
  }
  std::string form(const ast::Pipeline &node) { return "(-> " + text(node.input) + " " + text(node.step) + ")"; }
  std::string form(const ast::As &node) { return "(as " + text(node.value) + " " + node.name.text + ")"; }
  std::string form(const ast::Range &node) {
    return std::string(node.logarithmic ? "(log" : "(") + (node.inclusive ? ".. " : "..< ") + text(node.low) + " " +
           text(node.high) + ")";
  }
  // The bodies of a conditional are printed in one line, their statements between semicolons.
  std::string form(const ast::If &node) {
    return "(if " + text(node.condition) + " " + braces(*node.yes) + (node.no ? " " + braces(*node.no) : "") + ")";
  }
  std::string braces(const ast::Body &inner) {
    AstPrinter printer;
    printer.body(inner);
    std::string lines = printer.take(), joined = "{";
    for (char c : lines) joined += c == '\n' ? std::string(";") : std::string(1, c);
    if (joined.ends_with(';')) joined.pop_back();
    return joined + "}";
  }

  std::string out_;
  size_t indent_ = 0;
};

}  // namespace

std::string dump_tokens(const SourceMap &sources, FileId file) {
  const SourceFile &source = sources.file(file);
  Diagnostics ignored;
  std::optional<syntax::TokenList> list = syntax::read_tokens(source, file, ignored);
  if (!list) return {};
  NetLexer lexer(nullptr);
  std::string out;
  for (size_t i = 0; i < list->tokens.size(); ++i) {
    const syntax::Token &token = list->at(i);
    LineColumn place = source.position(token.begin);
    out += fmt::format("{}:{} {} {}\n", place.line, place.column,
                       lexer.getVocabulary().getSymbolicName(token.getType()), syntax::text_of(token, source));
  }
  return out;
}

std::string dump_ast(const ast::File &file) {
  AstPrinter printer;
  printer.file(file);
  return printer.take();
}

}  // namespace netc
