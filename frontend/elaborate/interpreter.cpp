// The parts of the interpreter that everything else rests on: reporting, places, conversions.
#include "frontend/elaborate/interpreter.h"

#include <fmt/format.h>

#include <cmath>

namespace netc::elaborate {

Interpreter::Interpreter(Session &session, FunctionBuild *function) : session_(session), function_(function) {
  frame_ = &base_frame_;
  scope_ = &base_scope_;
  base_frame_.user_code = true;
}

bool Interpreter::spend() {
  if (++session_.evaluations <= kMaxEvaluations) return true;
  session_.stopped = true;
  return false;
}

Span Interpreter::user_span(Span span) const {
  const Frame *frame = frame_;
  while (frame && (!span.known() || session_.library.owns(span.file))) {
    span = frame->call;
    frame = frame->caller;
  }
  return span;
}

Diagnostic &Interpreter::report(Span span, std::string message) {
  for (Frame *frame = frame_; frame && !frame->user_code; frame = frame->caller) frame->failed = true;
  return session_.reporter.error(user_span(span), std::move(message));
}

Datum Interpreter::fail_block(Span span, const std::string &message, const std::string &help, const Step *step) {
  const Frame *block = frame_;
  while (!block->user_code && block->caller && !block->caller->user_code && block->caller->caller)
    block = block->caller;
  Diagnostic &diagnostic = report(span, block->name + " " + message);
  if (std::string chain = chain_text(step); !chain.empty()) diagnostic.note(chain);
  if (!help.empty()) diagnostic.help(help);
  return Poison{};
}

Datum Interpreter::error(Span span, std::string message, std::string help) {
  Diagnostic &diagnostic = report(span, std::move(message));
  if (!help.empty()) diagnostic.help(std::move(help));
  return Poison{};
}

std::string Interpreter::describe(const Datum &datum) const {
  return elaborate::describe(datum, function_ ? &function_->builder.function() : nullptr);
}

void Interpreter::set_location(Span span) {
  Span place = user_span(span);
  if (!function_ || !place.known()) return;
  const SourceFile &file = session_.sources.file(place.file);
  LineColumn position = file.position(place.begin);
  const Location &current = function_->builder.location();
  auto shared = [](const std::shared_ptr<const std::string> &last, const std::string &text) {
    return last && *last == text ? last : std::make_shared<const std::string>(text);
  };
  std::string step = step_path();
  function_->builder.set_location({shared(current.file, file.name()), position.line, position.column,
                                   step.empty() ? nullptr : shared(current.step, step)});
}

// The step of the network that is being built: what the user called, whatever the library calls in turn.
std::string Interpreter::step_path() const {
  const Frame *frame = frame_;
  while (frame->caller && !frame->caller->path.empty() && !frame->user_code && !frame->caller->user_code)
    frame = frame->caller;
  return frame->path;
}

double Interpreter::force(const Number &number) {
  if (number.symbol) {
    if (!number.symbol->param.empty()) session_.params[number.symbol->param].fixed = true;
    for (const Number &operand : number.symbol->operands) force(operand);
  }
  return number.value;
}

std::optional<double> Interpreter::as_real(const Datum &datum, Span span, const std::string &what) {
  if (const auto *number = datum.as<Number>()) {
    if (number->unit.empty()) return force(*number);
    error(span, fmt::format("{} is a plain number, got {}", what, describe(datum)));
  } else if (!is_poison(datum)) {
    error(span, fmt::format("{} must be a number known when compiling, got {}", what, describe(datum)));
  }
  return std::nullopt;
}

std::optional<int64_t> Interpreter::as_integer(const Datum &datum, Span span, const std::string &what) {
  auto value = as_real(datum, span, what);
  if (!value) return std::nullopt;
  if (*value == std::floor(*value) && std::abs(*value) <= 0x1p52) return static_cast<int64_t>(*value);
  error(span, fmt::format("{} must be a whole number, got {}", what, describe(datum)));
  return std::nullopt;
}

std::optional<bool> Interpreter::as_boolean(const Datum &datum, Span span, const std::string &what) {
  if (const bool *value = datum.as<bool>()) return *value;
  if (datum.is<TensorValue>())
    error(span, fmt::format("{} must be known when compiling, got a tensor", what),
          "choose between tensors with select(condition, yes, no)");
  else if (!is_poison(datum))
    error(span, fmt::format("{} must be true or false, got {}", what, describe(datum)));
  return std::nullopt;
}

std::optional<Shape> Interpreter::as_shape(const Datum &datum, Span span, const std::string &what) {
  std::vector<Datum> items;
  if (const auto *list = datum.as<Items>())
    items = **list;
  else
    items = {datum};
  Shape shape;
  for (const Datum &item : items) {
    if (const auto *size = item.as<BatchSize>()) {
      shape.push_back({size->factor, true});
      continue;
    }
    auto size = as_integer(item, span, what);
    if (!size) return std::nullopt;
    if (*size < 1) {
      error(span, fmt::format("{} must be at least 1, got {}", what, *size));
      return std::nullopt;
    }
    shape.push_back({*size, false});
  }
  if (auto count = element_count(shape); !count) {
    error(span, count.error().message, count.error().help);
    return std::nullopt;
  }
  return shape;
}

std::optional<Type> Interpreter::type_of(const ast::TypeExpr &type) {
  auto dtype = dtype_from_name(type.name.text);
  if (!dtype) {
    std::string near = nearest_name(type.name.text, {"f32", "f64", "bf16", "i32", "i64", "bool"});
    error(type.name.span, fmt::format("unknown element type {}", type.name.text),
          near.empty() ? "element types are f32, i32, ..." : "did you mean " + near + "?");
    return std::nullopt;
  }
  std::vector<Datum> sizes;
  for (const auto &size : type.shape) {
    Datum value = evaluate(*size);
    if (is_poison(value)) return std::nullopt;
    if (const auto *list = value.as<Items>())
      sizes.insert(sizes.end(), (*list)->begin(), (*list)->end());
    else
      sizes.push_back(std::move(value));
  }
  auto shape = as_shape(make_list(std::move(sizes)), type.span, "the size");
  if (!shape) return std::nullopt;
  return Type{*dtype, *shape};
}

void Interpreter::define(const ast::Identifier &name, Datum value, const char *what) {
  if (frame_->user_code && what && name.span.known() && name.text[0] != '_')
    session_.declared.try_emplace({name.span.file, name.span.begin}, name.span, Session::Declared{name.text, what});
  scope_->define(name.text, std::move(value), name.span);
}

}  // namespace netc::elaborate
