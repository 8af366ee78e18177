// Statements: what a body does, one after the other.
#include <fmt/format.h>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {

struct StatementVisitor {
  Interpreter &in;
  const ast::Statement &statement;

  Datum operator()(const ast::Assign &node) const {
    Datum value = in.evaluate(*node.value);
    if (node.names.size() == 1) {
      in.assign(node.names[0], in.as_one_step(std::move(value), *node.value, node.names[0]));
      return None{};
    }
    const auto *items = value.as<Items>();
    if (!is_poison(value) && (!items || (*items)->size() != node.names.size()))
      value = in.error(node.value->span, fmt::format("{} names need a list of as many values, got {}",
                                                     node.names.size(), in.describe(value)));
    for (size_t i = 0; i < node.names.size(); ++i)
      in.assign(node.names[i], is_poison(value) ? Datum(Poison{}) : (**value.as<Items>())[i]);
    return None{};
  }
  Datum operator()(const ast::Repeat &node) const {
    in.repeat(node);
    return None{};
  }
  Datum operator()(const ast::WeightDecl &node) const {
    in.declare_weight(node, statement.span);
    return None{};
  }
  Datum operator()(const ast::Update &node) const {
    in.update(node, statement.span);
    return None{};
  }
  Datum operator()(const ast::Evaluate &node) const { return in.evaluate(*node.value); }
};

Datum Interpreter::run(const ast::Body &body) {
  Datum value = None{};
  for (size_t i = 0; i < body.statements.size() && !session_.stopped && !frame_->failed; ++i) {
    const ast::Statement &statement = body.statements[i];
    value = std::visit(StatementVisitor{*this, statement}, statement.node);
    bool last = i + 1 == body.statements.size();
    const auto *evaluated = std::get_if<ast::Evaluate>(&statement.node);
    bool named = evaluated && std::holds_alternative<ast::As>(evaluated->value->node);
    if (!last && frame_->user_code && value.is<TensorValue>() && !named)
      session_.reporter.warning(statement.span, "the value of this step is never used");
  }
  return session_.stopped || frame_->failed ? Datum(Poison{}) : value;
}

Datum Interpreter::run_inner(const ast::Body &body) {
  Scope inner(scope_);
  Scope *outer = scope_;
  scope_ = &inner;
  Datum value = run(body);
  scope_ = outer;
  return value;
}

// tower = dense(4): whatever calls `tower` is the same step, with the same weights, as a layer object in Keras is. A
// bare block, layer = dense, is another name of the block.
Datum Interpreter::as_one_step(Datum value, const ast::Expr &expression, const ast::Identifier &name) {
  const auto *callable = value.as<CallablePtr>();
  if (!callable || !(*callable)->block || !std::holds_alternative<ast::Call>(expression.node) || !frame_->user_code)
    return value;
  Callable step = **callable;
  std::string local = instance_name(step.name, &name);
  step.step = frame_->path.empty() ? local : frame_->path + "." + local;
  return std::make_shared<const Callable>(std::move(step));
}

void Interpreter::assign(const ast::Identifier &name, Datum value) {
  if (Binding *binding = scope_->find(name.text)) {
    Scope *scope = scope_;
    while (scope->outer() && scope->outer()->find(name.text)) scope = scope->outer();
    Scope *inner = scope_;
    scope_ = scope;
    define(name, std::move(value), "value");
    scope_ = inner;
    (void)binding;
    return;
  }
  if (frame_->user_code &&
      (session_.params.count(name.text) || session_.blocks.count(name.text) || session_.library.home(name.text) != ""))
    session_.reporter.warning(name.span, fmt::format("{} shadows {} of the same name", name.text,
                                                     session_.params.count(name.text) ? "the param" : "the block"));
  define(name, std::move(value), "value");
}

void Interpreter::repeat(const ast::Repeat &node) {
  const auto *range = std::get_if<ast::Range>(&node.range->node);
  if (!range) {
    // repeat x in [a, b]: once for each entry
    Datum list = evaluate(*node.range);
    if (is_poison(list)) return;
    const auto *items = list.as<Items>();
    if (!items) {
      error(node.range->span, "repeat goes over a range or a list, got " + describe(list), "repeat i in 0 ..< 3 { }");
      return;
    }
    Items held = *items;
    for (const Datum &item : *held) {
      if (++session_.iterations > kMaxIterations || session_.stopped) break;
      Scope inner(scope_);
      scope_ = &inner;
      define(node.variable, item, nullptr);
      run(node.body);
      scope_ = inner.outer();
    }
    return;
  }
  auto low = as_integer(evaluate(*range->low), range->low->span, "the start of the range");
  auto high = as_integer(evaluate(*range->high), range->high->span, "the end of the range");
  if (!low || !high) return;
  int64_t end = range->inclusive ? *high + 1 : *high;
  for (int64_t i = *low; i < end && !session_.stopped; ++i) {
    if (++session_.iterations > kMaxIterations) {
      error(node.range->span, fmt::format("the loops of this file run more than {} times", kMaxIterations));
      session_.stopped = true;
      return;
    }
    Scope inner(scope_);
    scope_ = &inner;
    define(node.variable, make_integer(i), nullptr);
    run(node.body);
    scope_ = inner.outer();
  }
}

}  // namespace netc::elaborate
