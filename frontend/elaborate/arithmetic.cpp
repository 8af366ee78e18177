// Arithmetic: folded on numbers, appended as ops where a tensor takes part.
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {
namespace {

using Unary = double (*)(double);
using Binary = double (*)(double, double);

const std::map<std::string, Unary, std::less<>> &unary_table() {
  static const std::map<std::string, Unary, std::less<>> table = {
      {"negative", [](double x) { return -x; }},
      {"abs", [](double x) { return std::abs(x); }},
      {"sign", [](double x) { return double((x > 0) - (x < 0)); }},
      {"exp", [](double x) { return std::exp(x); }},
      {"expm1", [](double x) { return std::expm1(x); }},
      {"log", [](double x) { return std::log(x); }},
      {"log1p", [](double x) { return std::log1p(x); }},
      {"sqrt", [](double x) { return std::sqrt(x); }},
      {"rsqrt", [](double x) { return 1 / std::sqrt(x); }},
      {"reciprocal", [](double x) { return 1 / x; }},
      {"square", [](double x) { return x * x; }},
      {"sin", [](double x) { return std::sin(x); }},
      {"cos", [](double x) { return std::cos(x); }},
      {"tanh", [](double x) { return std::tanh(x); }},
      {"floor", [](double x) { return std::floor(x); }},
      {"ceil", [](double x) { return std::ceil(x); }},
      {"round", [](double x) { return std::nearbyint(x); }},
  };
  return table;
}

const std::map<std::string, Binary, std::less<>> &binary_table() {
  static const std::map<std::string, Binary, std::less<>> table = {
      {"add", [](double a, double b) { return a + b; }},
      {"subtract", [](double a, double b) { return a - b; }},
      {"multiply", [](double a, double b) { return a * b; }},
      {"divide", [](double a, double b) { return a / b; }},
      {"power", [](double a, double b) { return std::pow(a, b); }},
      {"remainder", [](double a, double b) { return a - b * std::floor(a / b); }},
      {"maximum", [](double a, double b) { return a > b ? a : b; }},
      {"minimum", [](double a, double b) { return a < b ? a : b; }},
  };
  return table;
}

bool keeps_integers(std::string_view op) {
  return op == "negative" || op == "abs" || op == "sign" || op == "square" || op == "add" || op == "subtract" ||
         op == "multiply" || op == "remainder" || op == "maximum" || op == "minimum" || op == "power";
}
bool makes_integers(std::string_view op) { return op == "floor" || op == "ceil" || op == "round"; }

// The unit of a result; nothing where the units do not go together.
std::optional<std::string> result_unit(const std::string &op, const std::string &a, const std::string &b) {
  if (op == "multiply") return a.empty() ? b : b.empty() ? std::optional(a) : std::nullopt;
  if (op == "divide") return b.empty() ? std::optional(a) : a == b ? std::optional<std::string>("") : std::nullopt;
  if (op == "power") return a.empty() && b.empty() ? std::optional<std::string>("") : std::nullopt;
  return a == b ? std::optional(a) : std::nullopt;
}

bool depends_on_params(const Number &number) { return number.symbol != nullptr; }

}  // namespace

bool folds(std::string_view op) { return unary_table().count(op) || binary_table().count(op); }

std::optional<double> fold(const std::string &op, const std::vector<double> &operands) {
  double value = NAN;
  if (operands.size() == 1) {
    if (auto it = unary_table().find(op); it != unary_table().end()) value = it->second(operands[0]);
  } else if (operands.size() == 2) {
    if (auto it = binary_table().find(op); it != binary_table().end()) value = it->second(operands[0], operands[1]);
  }
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

Datum Interpreter::unary(const std::string &op, const Datum &x, Span span) {
  if (is_poison(x)) return Poison{};
  if (const auto *number = x.as<Number>()) {
    if (!number->unit.empty() && op != "negative" && !makes_integers(op))
      return error(span, fmt::format("{} of {} has no meaning: the number carries a unit", op, describe(x)));
    auto value = fold(op, {number->value});
    if (!value) return error(span, fmt::format("{}({}) is no finite number", op, describe(x)));
    Number result{*value, makes_integers(op) || (keeps_integers(op) && number->integer), number->unit, nullptr};
    if (depends_on_params(*number)) result.symbol = std::make_shared<const Symbol>(Symbol{"", op, {*number}});
    return result;
  }
  const auto *tensor = x.as<TensorValue>();
  if (!tensor) return error(span, fmt::format("{} needs a tensor or a number, got {}", op, describe(x)));
  Datum result = emit(op, {tensor->id}, {}, span, tensor->step.get());
  if (const auto *y = result.as<TensorValue>()) return TensorValue{y->id, tensor->step};
  return result;
}

Datum Interpreter::binary(const std::string &op, const Datum &a, const Datum &b, Span span) {
  if (is_poison(a) || is_poison(b)) return Poison{};
  const auto *x = a.as<Number>(), *y = b.as<Number>();
  if (x && y) {
    auto unit = result_unit(op, x->unit, y->unit);
    if (!unit)
      return error(span, fmt::format("{} and {} do not go together: their units differ", describe(a), describe(b)));
    if (op == "divide" && y->value == 0) return error(span, "division by zero");
    auto value = fold(op, {x->value, y->value});
    if (!value) return error(span, fmt::format("{} of {} and {} is no finite number", op, describe(a), describe(b)));
    bool integer = x->integer && y->integer && keeps_integers(op) && *value == std::floor(*value);
    Number result{*value, integer, *unit, nullptr};
    if (depends_on_params(*x) || depends_on_params(*y))
      result.symbol = std::make_shared<const Symbol>(Symbol{"", op, {*x, *y}});
    return result;
  }
  if (const auto *size = a.as<BatchSize>(); size && y && op == "multiply" && y->integer && y->value >= 1)
    return BatchSize{size->factor * static_cast<int64_t>(force(*y))};
  if (x && b.is<BatchSize>() && op == "multiply") return binary(op, b, a, span);
  const auto *left = a.as<Items>(), *right = b.as<Items>();
  if (left && right && op == "add") {
    std::vector<Datum> items = **left;
    items.insert(items.end(), (*right)->begin(), (*right)->end());
    if (items.size() > kMaxListLength) return error(span, "the list grows too long");
    return make_list(std::move(items));
  }
  const auto *s = a.as<TensorValue>(), *t = b.as<TensorValue>();
  if (!(s || x) || !(t || y)) {
    bool block = a.is<CallablePtr>() || b.is<CallablePtr>();
    return error(span, fmt::format("cannot compute {} of {} and {}", op, describe(a), describe(b)),
                 block ? "a block gets its input from a pipeline: x -> dense(10)" : "");
  }
  DType dtype = function_->builder.type(s ? s->id : t->id).dtype;
  auto u = as_tensor(a, span, "an operand", dtype), v = as_tensor(b, span, "an operand", dtype);
  if (!u || !v) return Poison{};
  auto step = s && s->step ? s->step : t ? t->step : nullptr;
  Datum result = emit(op, {*u, *v}, {}, span, step.get());
  if (const auto *z = result.as<TensorValue>()) return TensorValue{z->id, step};
  return result;
}

std::optional<ValueId> Interpreter::materialise(const Number &number, DType dtype, Span span) {
  if (!number.unit.empty()) {
    error(span, fmt::format("{} does not fit here: a plain number is expected", describe(number)));
    return std::nullopt;
  }
  if (!function_) {
    error(span, "this needs a tensor, and there is none here");
    return std::nullopt;
  }
  if (!number.symbol) {
    set_location(span);
    return function_->builder.constant(number.value, dtype);
  }
  std::optional<ValueId> value;
  if (!number.symbol->param.empty()) {
    Datum read = runtime_value("param." + number.symbol->param, span);
    if (const auto *tensor = read.as<TensorValue>()) value = tensor->id;
  } else {
    std::vector<ValueId> operands;
    for (const Number &operand : number.symbol->operands) {
      auto id = materialise({operand.value, operand.integer, "", operand.symbol}, DType::f32, span);
      if (!id) return std::nullopt;
      operands.push_back(*id);
    }
    Datum result = emit(number.symbol->op, operands, {}, span);
    if (const auto *tensor = result.as<TensorValue>()) value = tensor->id;
  }
  if (value && dtype != DType::f32) {
    Datum converted = emit("cast", {*value}, {{"dtype", std::string(name(dtype))}}, span);
    if (const auto *tensor = converted.as<TensorValue>()) value = tensor->id;
  }
  return value;
}

std::optional<ValueId> Interpreter::as_tensor(const Datum &datum, Span span, const std::string &what, DType dtype) {
  if (const auto *tensor = datum.as<TensorValue>()) return tensor->id;
  if (const auto *number = datum.as<Number>()) return materialise(*number, dtype, span);
  if (datum.is<CallablePtr>())
    error(span, fmt::format("{} must be a tensor, got {}", what, describe(datum)),
          "a block gets its input from a pipeline: x -> " + (*datum.as<CallablePtr>())->name);
  else if (!is_poison(datum))
    error(span, fmt::format("{} must be a tensor, got {}", what, describe(datum)));
  return std::nullopt;
}

}  // namespace netc::elaborate
