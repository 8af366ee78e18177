#include "frontend/elaborate/training.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/elaborate/network.h"

namespace netc::elaborate {

std::optional<ValueId> training_loss(Interpreter &in, const Objective &objective) {
  const Function &function = in.function()->builder.function();
  Datum batch = in.emit("axis_size", {function.arguments[0]}, {{"axes", std::vector<int64_t>{0}}}, {});
  Datum mean = in.binary("divide", TensorValue{objective.loss_sum, nullptr}, batch, {});
  return in.as_tensor(in.binary("add", mean, TensorValue{objective.penalty, nullptr}, {}), {}, "the loss");
}

std::optional<Gradients> add_gradients(Interpreter &in, ValueId loss) {
  Gradients result;
  std::vector<ValueId> operands{loss};
  for (const Weight &weight : in.session().module.weights) {
    auto read = in.function()->reads.find(weight.name);
    if (!weight.trainable || read == in.function()->reads.end()) continue;
    result.names.push_back(weight.name);
    result.weights.push_back(read->second);
    operands.push_back(read->second);
  }
  if (result.names.empty()) return result;
  auto gradients = in.function()->builder.try_emit("gradient", std::move(operands));
  if (!gradients) {
    in.error({}, gradients.error().message, gradients.error().help);
    return std::nullopt;
  }
  result.gradients = std::move(*gradients);
  return result;
}

namespace {

constexpr const char *kCommon[] = {"learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"};

// The optimizer without the settings every optimizer has, all its arguments by name.
Callable own_arguments(const Callable &optimizer) {
  Callable result = optimizer;
  result.arguments.clear();
  size_t next = 2;  // after w and g
  for (const BoundArgument &argument : optimizer.arguments) {
    std::string name = argument.name;
    if (name.empty() && next < optimizer.block->parameters.size()) name = optimizer.block->parameters[next++].name.text;
    if (std::find(std::begin(kCommon), std::end(kCommon), name) == std::end(kCommon))
      result.arguments.push_back({name, argument.value, argument.span});
  }
  return result;
}

// Every argument of the optimizer names one of its parameters.
bool check_arguments(Interpreter &in, const Callable &optimizer) {
  std::vector<std::string> names;
  std::vector<std::string> settings;  // without the weight and the gradient, which are not the user's to give
  for (const ast::Parameter &parameter : optimizer.block->parameters) {
    names.push_back(parameter.name.text);
    if (parameter.fallback) settings.push_back(parameter.name.text);
  }
  bool sound = true;
  for (const BoundArgument &argument : optimizer.arguments)
    if (!argument.name.empty() && std::find(names.begin(), names.end(), argument.name) == names.end()) {
      in.error(argument.span, fmt::format("{} has no argument {}", optimizer.name, argument.name),
               suggestion(argument.name, settings));
      sound = false;
    }
  return sound;
}

// The schedule, times what callbacks have lowered it to.
Datum scaled_rate(Interpreter &in, const Callable &optimizer, Span span) {
  Datum rate = argument_of(in, optimizer, "learning_rate").value_or(None{});
  return in.binary("multiply", rate, in.runtime_value("learning_rate_scale", span), span);
}

}  // namespace

std::optional<ValueId> learning_rate(Interpreter &in, const ast::Entry &entry) {
  Datum value = in.evaluate(*entry.value);
  const auto *optimizer = value.as<CallablePtr>();
  if (!optimizer) return std::nullopt;
  return in.as_tensor(scaled_rate(in, **optimizer, entry.value->span), entry.value->span, "the learning rate");
}

void add_optimizer(Interpreter &in, const ast::Entry &entry, const Gradients &gradients) {
  Span span = entry.value->span;
  Datum value = in.evaluate(*entry.value);
  if (is_poison(value)) return;
  const auto *pointer = value.as<CallablePtr>();
  bool fits = pointer && (*pointer)->block && (*pointer)->block->parameters.size() >= 2 &&
              argument_of(in, **pointer, "learning_rate").has_value();
  if (!fits) {
    in.error(span, in.describe(value) + " is no optimizer", "adam(learning_rate = 1e-3)");
    return;
  }
  const Callable &optimizer = **pointer;
  if (!check_arguments(in, optimizer)) return;
  auto setting = [&](const char *name) { return argument_of(in, optimizer, name).value_or(None{}); };
  Datum rate = scaled_rate(in, optimizer, span);
  if (is_poison(rate) || gradients.names.empty()) return;

  auto as_list = [](const std::vector<ValueId> &ids) {
    std::vector<Datum> items;
    for (ValueId id : ids) items.push_back(TensorValue{id, nullptr});
    return make_list(std::move(items));
  };
  Datum clipped = in.with_frame(internal_frame("optimizer", span), [&] {
    std::vector<Operand> operands{{"", as_list(gradients.gradients), span}};
    for (const char *name : {"clipnorm", "global_clipnorm", "clipvalue"})
      operands.push_back({name, setting(name), span});
    return in.call_library("clip_gradients", operands, span);
  });
  const auto *list = clipped.as<Items>();
  if (!list) return;
  Items held = *list;
  Callable own = own_arguments(optimizer);
  for (size_t i = 0; i < gradients.names.size(); ++i) {
    const std::string &name = gradients.names[i];
    const WeightInfo weight = *in.session().find_weight(name);
    Frame frame = internal_frame("", span, Role::optimizer);
    frame.name = optimizer.name;
    frame.suffix = "." + name;
    Datum updated = in.with_frame(std::move(frame), [&]() -> Datum {
      Datum w = TensorValue{gradients.weights[i], nullptr};
      if (Datum decay = setting("weight_decay"); !decay.is<None>())
        w = in.call_library("decay_weight", {{"", w, span}, {"", rate, span}, {"", decay, span}}, span);
      Datum next = in.call(own, {{"", w, span}, {"", (*held)[i], span}, {"learning_rate", rate, span}}, span);
      const auto *constraint = weight.constraint.as<CallablePtr>();
      return constraint ? in.call(**constraint, {{"", next, weight.span}}, (*constraint)->span) : next;
    });
    auto id = in.as_tensor(updated, span, "the new value of " + name);
    if (!id) return;
    if (in.function()->builder.type(*id) != weight.type) {
      in.error(span, fmt::format("{} gives {} for the weight {} of type {}", optimizer.name,
                                 to_string(in.function()->builder.type(*id)), name, to_string(weight.type)));
      return;
    }
    if (auto written = in.function()->builder.try_emit("write", {*id}, {{"weight", name}}); !written)
      in.error(span, written.error().message, written.error().help);
  }
}

}  // namespace netc::elaborate
