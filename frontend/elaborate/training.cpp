#include "frontend/elaborate/training.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/elaborate/network.h"
#include "frontend/elaborate/optimizer_settings.h"

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
  for (size_t i = 0; i < result.gradients.size(); ++i)
    in.function()->builder.name(result.gradients[i], kGradientName + result.names[i]);
  return result;
}

namespace {

// Runs `work` as part of the optimizer of one weight: states it declares end in the weight's name.
template <typename Work>
Datum for_weight(Interpreter &in, const std::string &optimizer, const std::string &weight, Span span, Work work) {
  Frame frame = internal_frame("", span, Role::optimizer);
  frame.name = optimizer;
  frame.suffix = "." + weight;
  return in.with_frame(std::move(frame), work);
}

// The mean gradients of the steps of an update. From here on the function counts updates instead of steps, and
// states change only when this step completes one.
std::vector<Datum> begin_update(Interpreter &in, const OptimizerSettings &settings, const Gradients &gradients) {
  std::vector<Datum> means;
  Span span = settings.span();
  Datum steps = make_integer(settings.steps_per_update());
  if (settings.steps_per_update() == 1) {
    for (ValueId gradient : gradients.gradients) means.push_back(TensorValue{gradient, nullptr});
    return means;
  }
  Datum last = for_weight(in, settings.name(), "", span, [&] {
    return in.call_library("completes_update", {{"", steps, span}}, span);
  });
  for (size_t i = 0; i < gradients.names.size(); ++i)
    means.push_back(for_weight(in, settings.name(), gradients.names[i], span, [&] {
      return in.call_library(
          "accumulation",
          {{"", TensorValue{gradients.gradients[i], nullptr}, span}, {"", last, span}, {"", steps, span}}, span);
    }));
  in.function()->steps_per_update = settings.steps_per_update();
  in.function()->runtime_values.clear();
  if (const auto *now = last.as<TensorValue>()) in.function()->updates_now = now->id;
  return means;
}

// The value of a weight after the optimizer's rule; that of before when the step completes no update.
Datum updated(Interpreter &in, const OptimizerSettings &settings, const std::string &name, ValueId weight,
              const Datum &gradient) {
  Span span = settings.span();
  WeightRule rule = settings.rule_of(in, name);
  if (is_poison(rule.rate)) return Poison{};
  Datum w = TensorValue{weight, nullptr};
  Datum next = for_weight(in, settings.name(), name, span, [&]() -> Datum {
    return in.call(rule.optimizer, {{"", w, span}, {"", gradient, span}, {"learning_rate", rule.rate, span}}, span);
  });
  auto id = in.as_tensor(next, span, "the new value of " + name);
  if (!id) return Poison{};
  Builder &builder = in.function()->builder;
  if (builder.type(*id) != builder.type(weight))
    return in.error(span, fmt::format("{} gives {} for the weight {} of type {}", settings.name(),
                                      to_string(builder.type(*id)), name, to_string(builder.type(weight))));
  auto now = in.function()->updates_now;
  return TensorValue{now ? builder.emit("select", {*now, *id, weight}) : *id, nullptr};
}

// What follows the optimizer's rule in every step: the moving average, then the constraint; writes the weight.
void finish_weight(Interpreter &in, const OptimizerSettings &settings, const std::string &name, Datum next) {
  Span span = settings.span();
  const WeightInfo weight = *in.session().find_weight(name);
  Datum result = for_weight(in, settings.name(), name, span, [&]() -> Datum {
    if (settings.averages())
      next = in.call_library("ema",
                             {{"", next, span},
                              {"ema_momentum", settings.shared(in, "ema_momentum"), span},
                              {"ema_overwrite_frequency", settings.shared(in, "ema_overwrite_frequency"), span}},
                             span);
    const auto *constraint = weight.constraint.as<CallablePtr>();
    return constraint ? in.call(**constraint, {{"", next, weight.span}}, (*constraint)->span) : next;
  });
  auto id = in.as_tensor(result, span, "the new value of " + name);
  if (!id) return;
  if (auto written = in.function()->builder.try_emit("write", {*id}, {{"weight", name}}); !written)
    in.error(span, written.error().message, written.error().help);
}

}  // namespace

std::optional<ValueId> learning_rate(Interpreter &in, const ast::Section &train) {
  auto settings = OptimizerSettings::read(in, train);
  if (!settings) return std::nullopt;
  in.function()->steps_per_update = settings->steps_per_update();
  return in.as_tensor(settings->rate(in), settings->span(), "the learning rate");
}

void add_optimizer(Interpreter &in, const ast::Section &train, const Gradients &gradients) {
  auto settings = OptimizerSettings::read(in, train);
  if (!settings || gradients.names.empty()) return;
  Span span = settings->span();
  std::vector<Datum> means = begin_update(in, *settings, gradients);
  Datum clipped = in.with_frame(internal_frame("", span), [&] {
    in.frame().name = settings->name();
    std::vector<Operand> operands{{"", make_list(std::move(means)), span}};
    for (const char *name : {"clipnorm", "global_clipnorm", "clipvalue"})
      operands.push_back({name, settings->shared(in, name), span});
    return in.call_library("clip_gradients", operands, span);
  });
  const auto *list = clipped.as<Items>();
  if (!list) return;
  Items held = *list;
  std::vector<Datum> next;
  for (size_t i = 0; i < gradients.names.size(); ++i) {
    next.push_back(updated(in, *settings, gradients.names[i], gradients.weights[i], (*held)[i]));
    if (is_poison(next.back())) return;
  }
  in.function()->updates_now.reset();
  for (size_t i = 0; i < gradients.names.size(); ++i) finish_weight(in, *settings, gradients.names[i], next[i]);
}

}  // namespace netc::elaborate
