// Expressions: one function a node of the syntax tree.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {
namespace {

const std::map<std::string, std::string> kOperators = {
    {"+", "add"},     {"-", "subtract"},       {"*", "multiply"},      {"/", "divide"},      {"%", "remainder"},
    {"^", "power"},   {"==", "equal"},         {"!=", "not_equal"},    {"<", "less"},        {"<=", "less_equal"},
    {">", "greater"}, {">=", "greater_equal"}, {"and", "logical_and"}, {"or", "logical_or"},
};

// Equality of values known when compiling; nothing where they have no order or equality.
std::optional<bool> same(const Datum &a, const Datum &b) {
  if (a.node.index() != b.node.index())
    return a.is<Number>() && b.is<BatchSize>() ? std::nullopt : std::optional(false);
  if (const auto *x = a.as<Number>()) return x->value == b.as<Number>()->value && x->unit == b.as<Number>()->unit;
  if (const auto *x = a.as<bool>()) return *x == *b.as<bool>();
  if (const auto *x = a.as<Text>()) return x->value == b.as<Text>()->value;
  if (const auto *x = a.as<Word>()) return x->text == b.as<Word>()->text;
  if (const auto *x = a.as<BatchSize>()) return x->factor == b.as<BatchSize>()->factor;
  if (const auto *x = a.as<CallablePtr>())
    return (*x)->name == (*b.as<CallablePtr>())->name && (*x)->arguments.empty() &&
           (*b.as<CallablePtr>())->arguments.empty();
  if (const auto *x = a.as<Items>()) {
    const auto *y = b.as<Items>();
    if ((*x)->size() != (*y)->size()) return false;
    for (size_t i = 0; i < (*x)->size(); ++i)
      if (auto equal = same((**x)[i], (**y)[i]); !equal || !*equal) return equal;
    return true;
  }
  return true;  // none
}

}  // namespace

struct ExpressionVisitor {
  Interpreter &in;
  const ast::Expr &expression;

  Datum operator()(const ast::Number &node) const {
    if (node.unit == "%") return make_number(node.value / 100, false);
    return Number{node.value, node.is_integer, node.unit, nullptr};
  }
  Datum operator()(const ast::String &node) const { return Text{node.value}; }
  Datum operator()(const ast::Boolean &node) const { return node.value; }
  Datum operator()(const ast::Name &node) const { return in.name_value(node.text, expression.span); }
  Datum operator()(const ast::List &node) const {
    std::vector<Datum> items;
    for (const auto &item : node.items) items.push_back(in.evaluate(*item));
    return make_list(std::move(items));
  }
  Datum operator()(const ast::Call &node) const {
    Datum callee = in.evaluate(*node.callee);
    auto operands = in.evaluate_arguments(node.arguments);
    if (is_poison(callee) || !operands) return Poison{};
    return in.call_value(callee, std::move(*operands), expression.span, false, nullptr);
  }
  Datum operator()(const ast::Member &node) const {
    const auto *object = std::get_if<ast::Name>(&node.object->node);
    if (object && object->text == "ops" && !in.scope_->find("ops")) {
      const OpDef *op = is_callable_op(node.name.text) ? find_op(node.name.text) : nullptr;
      if (!op) return in.error(node.name.span, "there is no op " + node.name.text);
      Callable callable{node.name.text, nullptr, op, nullptr, false, {}, expression.span};
      return std::make_shared<const Callable>(std::move(callable));
    }
    return in.member(in.evaluate(*node.object), node.name, expression.span);
  }
  Datum operator()(const ast::Subscript &node) const {
    Datum object = in.evaluate(*node.object);
    return in.subscript(object, in.evaluate(*node.index), expression.span);
  }
  Datum operator()(const ast::UnaryOp &node) const {
    Datum x = in.evaluate(*node.operand);
    if (node.op == "-") return in.unary("negative", x, expression.span);
    if (x.is<TensorValue>()) return in.unary("logical_not", x, expression.span);
    auto value = in.as_boolean(x, node.operand->span, "the operand of `not`");
    return value ? Datum(!*value) : Datum(Poison{});
  }
  Datum operator()(const ast::BinaryOp &node) const { return binary(node); }
  Datum operator()(const ast::Pipeline &node) const {
    return in.pipeline(*node.input, *node.step, expression.span, nullptr);
  }
  Datum operator()(const ast::As &node) const { return in.evaluate_named(*node.value, node.name); }
  Datum operator()(const ast::If &node) const { return in.branch(node, expression.span); }
  Datum operator()(const ast::Range &) const {
    return in.error(expression.span, "a range stands behind `in` only", "param rate = 0.25 in 0.1 .. 0.5");
  }
  Datum operator()(const ast::Set &) const {
    return in.error(expression.span, "a set stands behind `in` only", "a list is written [1, 2, 3]");
  }

  Datum binary(const ast::BinaryOp &node) const {
    Datum left = in.evaluate(*node.left);
    if (const bool *known = left.as<bool>(); known && (node.op == "and" || node.op == "or")) {
      if (*known == (node.op == "or")) return *known;  // decided: the right side is not looked at
      Datum right = in.evaluate(*node.right);
      auto value = in.as_boolean(right, node.right->span, "an operand of `" + node.op + "`");
      return value ? Datum(*value) : Datum(Poison{});
    }
    Datum right = in.evaluate(*node.right);
    if (is_poison(left) || is_poison(right)) return Poison{};
    if (node.op == "//") return in.unary("floor", in.binary("divide", left, right, expression.span), expression.span);
    bool tensors = left.is<TensorValue>() || right.is<TensorValue>();
    bool none = left.is<None>() || right.is<None>();
    if (node.op == "==" || node.op == "!=") {
      if (!tensors || none) {
        if (const auto *x = left.as<Number>(); x && !none) in.force(*x);
        if (const auto *x = right.as<Number>(); x && !none) in.force(*x);
        auto equal = same(left, right);
        if (!equal) return in.error(expression.span, "the batch size is not known when compiling");
        return *equal == (node.op == "==");
      }
    } else if (!tensors && node.op.find_first_of("<>") != std::string::npos) {
      return compare(node.op, left, right);
    }
    return in.binary(kOperators.at(node.op), left, right, expression.span);
  }
  Datum compare(const std::string &op, const Datum &left, const Datum &right) const {
    const auto *x = left.as<Number>(), *y = right.as<Number>();
    if (!x || !y || x->unit != y->unit)
      return in.error(expression.span, fmt::format("cannot compare {} with {}", in.describe(left), in.describe(right)));
    double a = in.force(*x), b = in.force(*y);
    return op == "<" ? a < b : op == "<=" ? a <= b : op == ">" ? a > b : a >= b;
  }
};

Datum Interpreter::evaluate(const ast::Expr &expression) {
  if (session_.stopped) return Poison{};
  if (!spend())
    return error(expression.span, "evaluating this file takes too long", "is there a loop that is too large?");
  return std::visit(ExpressionVisitor{*this, expression}, expression.node);
}

Datum Interpreter::name_value(const std::string &name, Span span) {
  if (Binding *binding = scope_->find(name)) {
    if (frame_->user_code) session_.used.insert({binding->span.file, binding->span.begin});
    return binding->value;
  }
  if (name == "none") return None{};
  if (name == "training") return function_ && function_->training;
  if (name == "trainable") return frame_->trainable;
  if (name == "batch") return BatchSize{1};
  if (name == "pi") return make_number(3.14159265358979323846, false);
  Callable callable{name, nullptr, nullptr, nullptr, false, {}, span};
  if (frame_->user_code) {
    if (auto it = session_.params.find(name); it != session_.params.end()) {
      it->second.used = true;
      return it->second.value;
    }
    if (auto it = session_.blocks.find(name); it != session_.blocks.end()) callable.block = it->second;
  }
  const ast::BlockDecl *schedule =
      frame_->user_code && !callable.block ? session_.library.find_call("schedules", name) : nullptr;
  if (!callable.block) callable.block = schedules_ && schedule ? schedule : session_.library.find(name);
  if (!callable.block) callable.block = schedule;
  callable.library = callable.block && session_.library.owns(callable.block->name.span.file);
  if (!callable.block) callable.builtin = find_builtin(name);
  if (!callable.block && !callable.builtin && is_callable_op(op_alias(name))) callable.op = find_op(op_alias(name));
  if (callable.block || callable.builtin || callable.op) return std::make_shared<const Callable>(std::move(callable));
  if (is_runtime_value(name) && function_) return runtime_value(name, span);
  if (is_word(name)) return Word{name};
  return unknown_name(name, span);
}

Datum Interpreter::unknown_name(const std::string &name, Span span) {
  std::vector<std::string> candidates = session_.library.names();
  scope_->names(candidates);
  for (const auto &[param, info] : session_.params) candidates.push_back(param);
  for (const auto &[block, declaration] : session_.blocks) candidates.push_back(block);
  for (std::string &word : words()) candidates.push_back(std::move(word));
  for (std::string &builtin : builtin_names()) candidates.push_back(std::move(builtin));
  for (const OpDef *op : all_ops())
    if (is_callable_op(op->name)) candidates.emplace_back(op->name);
  std::string near = nearest_name(name, candidates);
  return error(span, "unknown name " + name, near.empty() ? "" : "did you mean " + near + "?");
}

Datum Interpreter::member(const Datum &object, const ast::Identifier &name, Span span) {
  if (is_poison(object)) return Poison{};
  const auto *tensor = object.as<TensorValue>();
  if (!tensor) return error(span, fmt::format("{} has no member {}", describe(object), name.text));
  const Type &type = function_->builder.type(tensor->id);
  auto size = [&](size_t axis) -> Datum {
    if (type.shape[axis].batch) return BatchSize{type.shape[axis].size};
    return make_integer(type.shape[axis].size);
  };
  if (name.text == "rank") return make_integer(static_cast<int64_t>(type.rank()));
  if (name.text == "dtype") return Word{std::string(netc::name(type.dtype))};
  if (name.text == "shape") {
    std::vector<Datum> sizes;
    for (size_t axis = 0; axis < type.rank(); ++axis) sizes.push_back(size(axis));
    return make_list(std::move(sizes));
  }
  if (name.text == "channels" && type.rank() >= 1) return size(type.rank() - 1);
  if ((name.text == "height" || name.text == "width") && type.rank() == 4) return size(name.text == "height" ? 1 : 2);
  std::string near = nearest_name(name.text, {"shape", "rank", "channels", "height", "width", "dtype"});
  return error(name.span, fmt::format("{} has no member {}", describe(object), name.text),
               near.empty() ? "a tensor has shape, rank, channels, dtype; an image also height and width"
                            : "did you mean " + near + "?");
}

Datum Interpreter::subscript(const Datum &object, const Datum &index, Span span) {
  if (is_poison(object) || is_poison(index)) return Poison{};
  auto position = as_integer(index, span, "the index");
  if (!position) return Poison{};
  auto normalise = [&](int64_t size) -> std::optional<int64_t> {
    int64_t i = *position < 0 ? *position + size : *position;
    if (i >= 0 && i < size) return i;
    error(span, fmt::format("index {} is out of range: there are {} entries", *position, size));
    return std::nullopt;
  };
  if (const auto *items = object.as<Items>()) {
    auto i = normalise(static_cast<int64_t>((*items)->size()));
    return i ? (**items)[static_cast<size_t>(*i)] : Datum(Poison{});
  }
  const auto *tensor = object.as<TensorValue>();
  if (!tensor) return error(span, fmt::format("{} has no entries", describe(object)));
  Type type = function_->builder.type(tensor->id);
  if (type.shape.empty() || type.shape[0].batch)
    return error(span, fmt::format("{} cannot be indexed: its first axis is the batch", describe(object)),
                 "use slice(x, begin = [...], end = [...])");
  auto i = normalise(type.shape[0].size);
  if (!i) return Poison{};
  std::vector<int64_t> begin(type.rank(), 0), end, strides(type.rank(), 1);
  for (const Dim &dim : type.shape) end.push_back(dim.size);
  begin[0] = *i;
  end[0] = *i + 1;
  Datum part = emit("slice", {tensor->id}, {{"begin", begin}, {"end", end}, {"strides", strides}}, span);
  const auto *entry = part.as<TensorValue>();
  if (!entry) return part;
  return emit("reshape", {entry->id}, {{"shape", Shape(type.shape.begin() + 1, type.shape.end())}}, span);
}

const ast::Expr *Interpreter::chosen(const ast::If &node) {
  auto condition = as_boolean(evaluate(*node.condition), node.condition->span, "the condition of `if`");
  const ast::Body *body = !condition ? nullptr : *condition ? node.yes.get() : node.no.get();
  if (!body || body->statements.empty()) return nullptr;
  const auto *value = std::get_if<ast::Evaluate>(&body->statements.back().node);
  if (value && body->statements.size() == 1) return value->value.get();
  error(body->span, "a branch in a section is one value");
  return nullptr;
}

Datum Interpreter::branch(const ast::If &node, Span) {
  auto condition = as_boolean(evaluate(*node.condition), node.condition->span, "the condition of `if`");
  if (!condition) return Poison{};
  if (*condition) return run_inner(*node.yes);
  return node.no ? run_inner(*node.no) : Datum(None{});
}

}  // namespace netc::elaborate
