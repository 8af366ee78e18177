// The printing half of the text form.
#include <cmath>

#include "fmt/format.h"
#include "ir/op.h"
#include "ir/text.h"

namespace netc {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (result += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result + '"';
}

// Bare where a name reads back without quotes.
std::string symbol(std::string_view name) {
  bool bare = !name.empty();
  for (char c : name)
    bare = bare && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.');
  return bare ? std::string(name) : quoted(name);
}

std::string number(double value) { return std::isnan(value) ? "nan" : fmt::format("{}", value); }

std::string list(const std::vector<double> &values) {
  std::string text = "[";
  for (double value : values) {
    if (text.size() > 1) text += ", ";
    text += number(value);
  }
  return text + "]";
}

struct AttributePrinter {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const { return number(value); }
  std::string operator()(const std::string &value) const { return quoted(value); }
  std::string operator()(const std::vector<int64_t> &value) const {
    return fmt::format("[{}]", fmt::join(value, ", "));
  }
  std::string operator()(const std::vector<double> &value) const { return list(value); }
  std::string operator()(const Shape &value) const { return to_string(value); }
};

std::string location(const Location &at) {
  if (!at.file) return "";
  std::string step = at.step ? " of " + quoted(*at.step) : "";
  return fmt::format(" loc({}:{}:{}{}{})", quoted(*at.file), at.line, at.column, step, at.backward ? " backward" : "");
}

// "%name: f32[B, 8] halo(1, 1, 1, 1) at batch(4096)"
std::string definition(const Value &value) {
  std::string text = fmt::format("%{}: {}", value.name, to_string(value.type));
  if (!value.halo.empty())
    text += fmt::format(" halo({}, {}, {}, {})", value.halo.top, value.halo.bottom, value.halo.left, value.halo.right);
  if (value.placement.space != Space::none) {
    constexpr std::string_view names[] = {"none", "fixed", "batch", "weights", "input", "output"};
    text += fmt::format(" at {}({})", names[static_cast<size_t>(value.placement.space)], value.placement.offset);
  }
  return text;
}

std::string definitions(const Function &function, const std::vector<ValueId> &ids) {
  std::string text;
  for (ValueId id : ids) text += (text.empty() ? "" : ", ") + definition(function.value(id));
  return text;
}

std::string uses(const Function &function, const std::vector<ValueId> &ids) {
  std::string text;
  for (ValueId id : ids) text += fmt::format("{}%{}", text.empty() ? "" : ", ", function.value(id).name);
  return text;
}

std::string results(const Function &function) {
  std::string text;
  for (size_t i = 0; i < function.results.size(); ++i) {
    text += fmt::format("{}%{}", i == 0 ? "" : ", ", function.value(function.results[i]).name);
    if (i < function.result_names.size()) text += " as " + quoted(function.result_names[i]);
  }
  return text;
}

void print_op(std::string &out, const Function &function, const Op &op, const std::string &indent);

void print_ops(std::string &out, const Function &function, const std::string &indent) {
  out += "{\n";
  for (const Op &op : function.ops) print_op(out, function, op, indent + "  ");
  out += indent + "}";
}

void print_op(std::string &out, const Function &function, const Op &op, const std::string &indent) {
  out += indent;
  if (!op.results.empty()) out += definitions(function, op.results) + " = ";
  out += fmt::format("{}({})", op.def->name, uses(function, op.operands));
  std::string attributes;
  for (const auto &[name, value] : op.attributes)
    attributes += fmt::format("{}{} = {}", attributes.empty() ? "" : ", ", name, std::visit(AttributePrinter{}, value));
  if (!attributes.empty()) out += " {" + attributes + "}";
  if (op.body) {
    out += fmt::format(" body({}) -> ({}) ", definitions(*op.body, op.body->arguments), results(*op.body));
    print_ops(out, *op.body, indent);
  }
  out += location(op.location) + "\n";
}

void print_function(std::string &out, const Function &function, const std::string &indent) {
  out += fmt::format("{}func @{}({}) -> ({}) mode {} ", indent, symbol(function.name),
                     definitions(function, function.arguments), results(function),
                     function.mode == Mode::training ? "training" : "inference");
  if (function.fixed_bytes != 0 || function.batch_bytes != 0)
    out += fmt::format("workspace({}, {}) ", function.fixed_bytes, function.batch_bytes);
  print_ops(out, function, indent);
  out += "\n";
}

}  // namespace

std::string print(const Module &module) {
  std::string out = fmt::format("module {} ", quoted(module.name));
  if (module.precision == Precision::bf16) out += "bf16 ";
  if (module.weight_bytes != 0) out += fmt::format("bytes({}) ", module.weight_bytes);
  out += "{\n";
  for (const Weight &weight : module.weights)
    out += fmt::format("  weight @{}: {} {}{}{}\n", symbol(weight.name), to_string(weight.type),
                       weight.trainable ? "trainable" : "fixed",
                       weight.offset ? fmt::format(" at({})", weight.offset) : "", location(weight.location));
  for (const Function &function : module.functions) print_function(out, function, "  ");
  return out + "}\n";
}

std::string print(const Function &function) {
  std::string out;
  print_function(out, function, "");
  return out;
}

}  // namespace netc
