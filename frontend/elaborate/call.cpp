// Calls: pipelines, partial application, binding of arguments, and running a block as an instance with a name of its
// own.
//
// A call of a block outside a pipeline whose data operands are missing is a value: the block with some arguments given
// (l2(1e-4), adam(learning_rate = 0.01)). Data operands are the leading parameters declared `tensor` or `shape`.
#include <fmt/format.h>

#include <algorithm>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {
namespace {

bool is_data(const ast::Parameter &parameter) {
  return parameter.type && !parameter.fallback &&
         (parameter.type->name.text == "tensor" || parameter.type->name.text == "shape");
}

// Whether `operand` can be given for a data operand.
bool fits_data(const ast::Parameter &parameter, const Datum &operand) {
  if (operand.is<Poison>() || operand.is<Items>()) return true;
  return operand.is<TensorValue>() && parameter.type->name.text == "tensor";
}

// The step of the first tensor among the operands.
std::shared_ptr<const Step> origin(const std::vector<Operand> &operands) {
  for (const Operand &operand : operands) {
    if (const auto *tensor = operand.value.as<TensorValue>()) return tensor->step;
    if (const auto *items = operand.value.as<Items>())
      for (const Datum &item : **items)
        if (const auto *tensor = item.as<TensorValue>()) return tensor->step;
  }
  return nullptr;
}

// Multiply-adds count twice, every other element once.
double flops_of(const Function &function, size_t first_op) {
  double total = 0;
  auto elements = [](const Type &type) {
    double n = 1;
    for (const Dim &dim : type.shape) n *= static_cast<double>(dim.size);
    return n;
  };
  for (size_t i = first_op; i < function.ops.size(); ++i) {
    const Op &op = function.ops[i];
    if (op.results.empty()) continue;
    double n = elements(function.type(op.results[0]));
    if (op.def->op_class == OpClass::contraction) {
      const Type &right = function.type(op.operands[1]);
      double outputs = static_cast<double>(function.type(op.results[0]).shape.back().size);
      total += 2 * n * elements(right) / std::max(outputs, 1.0);
    } else if (op.def->op_class == OpClass::reduction) {
      total += elements(function.type(op.operands[0]));
    } else if (op.def->op_class != OpClass::state && op.def->op_class != OpClass::view) {
      total += n;
    }
  }
  return total;
}

// Whether a value is that of a relu among the ops from `first_op` on, perhaps cut off above or in another shape.
bool is_rectified(const Function &function, ValueId value, size_t first_op) {
  for (auto op = function.ops.rbegin(); op != function.ops.rend() - static_cast<int64_t>(first_op); ++op) {
    if (std::find(op->results.begin(), op->results.end(), value) == op->results.end()) continue;
    if (op->def->name == "relu") return true;
    if (op->def->name != "minimum" && op->def->op_class != OpClass::view) return false;
    value = op->operands[0];
  }
  return false;
}

}  // namespace

Operand Interpreter::evaluate_argument(const ast::Argument &argument) {
  std::string name = argument.name ? argument.name->text : "";
  bool schedule = name == "learning_rate" && frame_->user_code;
  schedules_ += schedule;
  Operand operand{name, evaluate(*argument.value), argument.name ? argument.name->span : argument.value->span};
  schedules_ -= schedule;
  return operand;
}

std::optional<std::vector<Operand>> Interpreter::evaluate_arguments(const std::vector<ast::Argument> &arguments) {
  std::vector<Operand> operands;
  bool poisoned = false;
  for (const ast::Argument &argument : arguments) {
    operands.push_back(evaluate_argument(argument));
    poisoned |= is_poison(operands.back().value);
  }
  if (poisoned) return std::nullopt;
  return operands;
}

Datum Interpreter::pipeline(const ast::Expr &input, const ast::Expr &step_node, Span span,
                            const ast::Identifier *instance) {
  bool continues = std::holds_alternative<ast::Pipeline>(input.node) || std::holds_alternative<ast::As>(input.node);
  if (!continues) frame_->pipeline.clear();
  Datum value = evaluate(input);
  return step(step_node, std::move(value), input.span, span, instance);
}

Datum Interpreter::step(const ast::Expr &node, Datum input, Span input_span, Span span,
                        const ast::Identifier *instance) {
  if (const auto *named = std::get_if<ast::As>(&node.node)) {
    Datum result = step(*named->value, std::move(input), input_span, span, &named->name);
    define(named->name, result, nullptr);
    return result;
  }
  std::vector<std::string> steps = frame_->pipeline;
  std::vector<Operand> operands{{"", std::move(input), input_span}};
  Datum callee;
  bool poisoned = false;
  if (const auto *call = std::get_if<ast::Call>(&node.node)) {
    callee = evaluate(*call->callee);
    auto arguments = evaluate_arguments(call->arguments);
    poisoned = !arguments;
    if (arguments) operands.insert(operands.end(), arguments->begin(), arguments->end());
  } else {
    callee = evaluate(node);
  }
  frame_->pipeline = std::move(steps);
  if (poisoned || is_poison(callee) || is_poison(operands[0].value)) return Poison{};
  return call_value(callee, std::move(operands), node.span, true, instance);
}

Datum Interpreter::evaluate_named(const ast::Expr &expression, const ast::Identifier &name) {
  Datum value;
  if (const auto *node = std::get_if<ast::Pipeline>(&expression.node)) {
    value = pipeline(*node->input, *node->step, expression.span, &name);
  } else if (const auto *call = std::get_if<ast::Call>(&expression.node)) {
    Datum callee = evaluate(*call->callee);
    auto operands = evaluate_arguments(call->arguments);
    if (!is_poison(callee) && operands) value = call_value(callee, std::move(*operands), expression.span, false, &name);
  } else {
    value = evaluate(expression);
  }
  define(name, value, nullptr);
  if (frame_->user_code && !frame_->pipeline.empty()) {
    std::string path = frame_->pipeline.back();
    session_.named.try_emplace(name.text, NamedStep{path, frame_->pipeline, name.span});
  }
  return value;
}

Datum Interpreter::call_value(const Datum &callee, std::vector<Operand> operands, Span span, bool piped,
                              const ast::Identifier *instance) {
  const auto *pointer = callee.as<CallablePtr>();
  if (!pointer) {
    const auto *text = callee.as<Text>();
    return error(span, fmt::format("{} cannot be called", describe(callee)),
                 text ? "leave out the quotation marks: " + text->value : "");
  }
  const Callable &callable = **pointer;
  bool partial = false;
  if (!piped && callable.block) {
    const auto &parameters = callable.block->parameters;
    auto named = [&](const std::string &name) {
      return std::any_of(operands.begin(), operands.end(), [&](const Operand &o) { return o.name == name; });
    };
    if (!parameters.empty() && is_data(parameters[0])) {
      bool given = !operands.empty() && operands[0].name.empty() && fits_data(parameters[0], operands[0].value);
      partial = !given && !named(parameters[0].name.text);
    } else {
      size_t positional = 0, required = 0;
      for (const Operand &operand : operands) positional += operand.name.empty();
      for (const BoundArgument &argument : callable.arguments) positional += argument.name.empty();
      for (size_t i = 0; i < parameters.size(); ++i)
        required += !parameters[i].fallback && i >= positional && !named(parameters[i].name.text);
      partial = required > 0 && !parameters[0].fallback && !named(parameters[0].name.text);
    }
  } else if (!piped && callable.op) {
    partial = !callable.op->operands.empty() && !callable.op->operands[0].variadic &&
              std::none_of(operands.begin(), operands.end(), [](const Operand &o) { return o.name.empty(); });
  }
  if (!partial) return call(callable, std::move(operands), span, instance);
  Callable bound = callable;
  bound.span = span;
  for (Operand &operand : operands) bound.arguments.push_back({operand.name, std::move(operand.value), operand.span});
  return std::make_shared<const Callable>(std::move(bound));
}

Datum Interpreter::call_library(const std::string &name, std::vector<Operand> operands, Span span) {
  Callable callable{name, session_.library.find(name), nullptr, nullptr, true, {}, span};
  if (!callable.block) return error(span, "the standard library has no block " + name);
  return call(callable, std::move(operands), span);
}

Datum Interpreter::call(const Callable &callee, std::vector<Operand> operands, Span span,
                        const ast::Identifier *instance) {
  for (const Operand &operand : operands)
    if (is_poison(operand.value)) return Poison{};
  std::vector<Operand> all;
  for (Operand &operand : operands) all.push_back(std::move(operand));
  for (const BoundArgument &argument : callee.arguments) {
    auto again = std::find_if(all.begin(), all.end(),
                              [&](const Operand &o) { return !o.name.empty() && o.name == argument.name; });
    if (again == all.end()) all.push_back({argument.name, argument.value, argument.span});
  }
  // Positional arguments first, in the order given: data operands, then what a partial application held.
  std::stable_partition(all.begin(), all.end(), [](const Operand &o) { return o.name.empty(); });
  if (callee.block) return call_block(callee, std::move(all), span, instance);
  if (callee.builtin) {
    size_t positional = 0;
    for (const Operand &operand : all) positional += operand.name.empty();
    if (positional < callee.builtin->minimum || positional > callee.builtin->maximum)
      return error(span,
                   fmt::format("{} takes {} arguments, got {}", callee.name, callee.builtin->minimum, positional));
    return callee.builtin->run(*this, all, span);
  }
  return emit_callable(*callee.op, std::move(all), span);
}

bool Interpreter::check_parameter(const ast::Parameter &parameter, const Operand &operand, const std::string &block) {
  if (!parameter.type || operand.value.is<None>()) return true;
  const std::string &type = parameter.type->name.text;
  std::string what = block + ": " + parameter.name.text;
  if (type == "int") return as_integer(operand.value, operand.span, what).has_value();
  if (type == "bool") return as_boolean(operand.value, operand.span, what).has_value();
  bool fits = true;
  if (type == "tensor")
    fits = operand.value.is<TensorValue>() || operand.value.is<Items>() || operand.value.is<Number>();
  else if (type == "shape" || type == "list")
    fits = operand.value.is<Items>();
  else if (type == "real")
    fits = operand.value.is<Number>() || operand.value.is<TensorValue>();
  else if (type == "string")
    fits = operand.value.is<Text>();
  else if (auto dtype = dtype_from_name(type))
    fits =
        operand.value.is<TensorValue>() && function_->builder.type(operand.value.as<TensorValue>()->id).dtype == *dtype;
  else
    error(parameter.type->span, "unknown type " + type,
          "parameters are tensor, shape, int, real, bool, string, list or f32");
  if (!fits) {
    const char *wanted = type == "real"     ? "a number"
                         : type == "string" ? "a text"
                         : type == "tensor" ? "a tensor"
                                            : "a list";
    bool layer = type == "tensor" && operand.value.is<CallablePtr>();
    error(operand.span,
          fmt::format("{} must be {}, got {}", what, dtype_from_name(type) ? "a tensor of " + type : wanted,
                      describe(operand.value)),
          layer ? "a block gets its input from a pipeline: x -> " + (*operand.value.as<CallablePtr>())->name : "");
  }
  return fits;
}

bool Interpreter::bind(const Callable &callee, const ast::BlockDecl &block, std::vector<Operand> &operands, Span span,
                       std::vector<std::optional<Operand>> &bound) {
  const auto &parameters = block.parameters;
  bound.assign(parameters.size(), std::nullopt);
  auto names = [&] {
    std::vector<std::string> result;
    for (const auto &parameter : parameters) result.push_back(parameter.name.text);
    return result;
  };
  bool sound = true;
  size_t next = 0;
  for (Operand &operand : operands) {
    size_t at = next;
    if (operand.name.empty()) {
      if (next++ >= parameters.size()) {
        report(operand.span, fmt::format("{} takes at most {} arguments", callee.name, parameters.size()));
        return false;
      }
    } else {
      at =
          static_cast<size_t>(std::find_if(parameters.begin(), parameters.end(),
                                           [&](const auto &parameter) { return parameter.name.text == operand.name; }) -
                              parameters.begin());
      if (at == parameters.size()) {
        Diagnostic &diagnostic = report(operand.span, fmt::format("{} has no argument {}", callee.name, operand.name));
        if (std::string help = suggestion(operand.name, names()); !help.empty()) diagnostic.help(help);
        sound = false;
        continue;
      }
    }
    if (bound[at]) {
      report(operand.span, fmt::format("{}: {} is given twice", callee.name, parameters[at].name.text));
      sound = false;
    } else if (!check_parameter(parameters[at], operand, callee.name)) {
      sound = false;
    } else {
      bound[at] = std::move(operand);
    }
  }
  if (auto it = session_.defaults.find(callee.name); it != session_.defaults.end() && frame_->user_code)
    for (size_t i = 0; i < parameters.size(); ++i)
      for (const BoundArgument &argument : it->second)
        if (!bound[i] && argument.name == parameters[i].name.text)
          bound[i] = Operand{argument.name, argument.value, argument.span};
  for (size_t i = 0; sound && i < parameters.size(); ++i)
    if (!bound[i] && !parameters[i].fallback) {
      report(span, fmt::format("{} needs {}", callee.name, parameters[i].name.text))
          .help(fmt::format("{}({} = ...)", callee.name, parameters[i].name.text));
      sound = false;
    }
  return sound;
}

std::string Interpreter::instance_name(const std::string &block, const ast::Identifier *instance) {
  std::string base = instance ? instance->text : block;
  std::string name = base;
  int &count = frame_->instances[base];
  do {
    name = count ? fmt::format("{}_{}", base, count) : base;
    ++count;
  } while (!frame_->taken.insert(name).second);
  return name;
}

// A step that is called again is one layer that computes more; only a shared one can be.
void Interpreter::record_layer(LayerInfo layer, bool shared) {
  if (shared)
    for (LayerInfo &known : session_.layers)
      if (known.name == layer.name) {
        known.flops += layer.flops;
        return;
      }
  session_.layers.push_back(std::move(layer));
}

// By this name the runtime finds the output of a step (docs/metadata.md, "observed"). Of a step that is called again
// the first output has it.
void Interpreter::name_output(const std::string &path, ValueId output) {
  const std::string &name = function_->builder.function().value(output).name;
  bool numbered = std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  if (numbered && function_->named_steps.insert(path).second) function_->builder.name(output, kStepName + path);
}

Datum Interpreter::call_block(const Callable &callee, std::vector<Operand> operands, Span span,
                              const ast::Identifier *instance) {
  if (frame_->depth >= kMaxCallDepth) {
    std::string cycle;
    const Frame *frame = frame_;
    for (int i = 0; i < 4 && frame; ++i, frame = frame->caller) cycle = frame->name + " -> " + cycle;
    return error(span, fmt::format("blocks call each other without end: {}{}", cycle, callee.name));
  }
  std::vector<std::optional<Operand>> bound;
  auto source = origin(operands);
  if (!bind(callee, *callee.block, operands, span, bound)) return Poison{};
  set_location(span);

  Frame *caller = frame_;
  Frame inner;
  inner.name = callee.name;
  inner.shared = caller->shared;
  if (!callee.step.empty() && caller->user_code) {
    inner.path = callee.step;
    inner.shared = true;
  } else {
    std::string local = instance_name(callee.name, instance);
    inner.path = caller->path.empty() ? local : caller->path + "." + local;
  }
  inner.suffix = caller->suffix;
  inner.role = caller->role;
  inner.user_code = !callee.library;
  inner.trainable = caller->trainable && !session_.frozen.count(inner.path);
  inner.call = span;
  std::string path = inner.path;
  bool shared = inner.shared;
  size_t first_op = function_ ? function_->builder.function().ops.size() : 0;
  Datum result = with_frame(std::move(inner), [&]() -> Datum {
    for (size_t i = 0; i < bound.size(); ++i) {
      const ast::Parameter &parameter = callee.block->parameters[i];
      Datum value = bound[i] ? std::move(bound[i]->value) : evaluate(*parameter.fallback);
      if (is_poison(value)) return Poison{};
      define(parameter.name, std::move(value), "argument");
    }
    return run(callee.block->body);
  });
  set_location(span);
  if (caller->user_code) {
    caller->pipeline.push_back(path);
    const auto *tensor = result.as<TensorValue>();
    if (tensor && function_) {
      const Type type = function_->builder.type(tensor->id);
      if (callee.library && caller->role == Role::weight) {
        const Function &function = function_->builder.function();
        name_output(path, tensor->id);
        if (function_->records_layers)
          record_layer({path, callee.name, type, flops_of(function, first_op),
                        is_rectified(function, tensor->id, first_op), user_span(span)},
                       shared);
      }
      return TensorValue{tensor->id, std::make_shared<const Step>(Step{callee.name, type, source})};
    }
  }
  return result;
}

}  // namespace netc::elaborate
