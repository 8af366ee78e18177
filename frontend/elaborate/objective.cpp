#include "frontend/elaborate/objective.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/elaborate/network.h"

namespace netc::elaborate {
namespace {

size_t data_operands(const ast::BlockDecl &block) {
  size_t count = 0;
  while (count < block.parameters.size() && block.parameters[count].type && !block.parameters[count].fallback &&
         block.parameters[count].type->name.text == "tensor")
    ++count;
  return count;
}

// A block that may serve as loss or metric: its data operands are the target and the output.
CallablePtr as_objective(Interpreter &in, const Datum &value, Span span, const char *what) {
  const auto *callable = value.as<CallablePtr>();
  if (callable && (*callable)->block && data_operands(*(*callable)->block) >= 2) return *callable;
  if (!is_poison(value))
    in.error(span, fmt::format("{} is no {}: a {} compares a target with an output", in.describe(value), what, what));
  return nullptr;
}

// The values of an entry: those of a list, or the one.
std::vector<std::pair<Datum, Span>> entry_values(Interpreter &in, const ast::Expr &expression) {
  std::vector<std::pair<Datum, Span>> values;
  if (const auto *list = std::get_if<ast::List>(&expression.node)) {
    for (const auto &item : list->items) values.emplace_back(in.evaluate(*item), item->span);
  } else {
    values.emplace_back(in.evaluate(expression), expression.span);
  }
  return values;
}

bool is_true(Interpreter &in, const Callable &callable, const std::string &name) {
  auto value = argument_of(in, callable, name);
  const bool *flag = value ? value->as<bool>() : nullptr;
  return flag && *flag;
}

// The op that makes a value; empty for an argument.
std::string_view maker(const Function &function, ValueId id) {
  for (auto op = function.ops.rbegin(); op != function.ops.rend(); ++op)
    if (std::find(op->results.begin(), op->results.end(), id) != op->results.end()) return op->def->name;
  return "";
}

// What is wrong with this loss for this output, if anything. `last` is the op the output comes from.
void check_loss(Interpreter &in, const LossInfo &loss, const OutputInfo &output, std::string_view last) {
  const std::string &name = loss.block->name;
  bool binary = name.starts_with("binary"), categorical = name.find("categorical") != std::string::npos;
  if (output.is_class && binary && output.type.shape.back().size != 1)
    in.error(loss.span, fmt::format("{} is for one yes-or-no output, the network has {} classes", name, output.classes),
             "sparse_categorical_crossentropy(from_logits = true)");
  if (output.is_class && categorical && output.type.shape.back().is_one())
    in.error(loss.span, fmt::format("{} needs one output for each class, the network has one", name),
             "binary_crossentropy(from_logits = true)");
  if (!output.is_class && name.starts_with("sparse"))
    in.error(loss.span, fmt::format("{} needs a class as output, the network gives {}", name, type_text(output.type)),
             fmt::format("-> class[{}]", output.type.shape.back().size));
  bool probabilities = last == "softmax" || last == "sigmoid";
  if (!argument_of(in, *loss.block, "from_logits")) return;
  if (probabilities && loss.activation != "none")
    in.session().reporter.warning(loss.span,
                                  fmt::format("{} says from_logits, but the network ends in {}", name, last));
  bool logits = last == "add" || last == "matmul" || last == "conv2d";
  if (logits && loss.activation == "none")
    in.session()
        .reporter
        .warning(loss.span,
                 fmt::format("{} expects probabilities, but the network ends without softmax or sigmoid", name))
        .help(name + "(from_logits = true)");
}

}  // namespace

std::vector<LossInfo> find_losses(Session &session, const ast::Section &train, const std::vector<OutputInfo> &outputs,
                                  const std::vector<TensorValue> &values, const Function &predict) {
  Interpreter in(session, nullptr);
  std::vector<LossInfo> losses;
  const ast::Entry *entry = find_entry(&train, "loss");
  if (entry) {
    for (auto &[value, span] : entry_values(in, *entry->value)) {
      CallablePtr block = as_objective(in, value, span, "loss");
      if (!block) return {};
      losses.push_back({block, "none", span});
    }
    if (losses.size() == 1) losses.resize(outputs.size(), losses[0]);
    if (losses.size() != outputs.size()) {
      in.error(entry->value->span,
               fmt::format("the network has {} outputs, the list has {} losses", outputs.size(), losses.size()));
      return {};
    }
  } else {
    for (size_t i = 0; i < outputs.size(); ++i) {
      std::string_view last = maker(predict, values[i].id);
      bool logits = last != "softmax" && last != "sigmoid";
      bool binary = outputs[i].is_class && outputs[i].type.shape.back().is_one();
      Callable block{!outputs[i].is_class ? "mean_squared_error"
                     : binary             ? "binary_crossentropy"
                                          : "sparse_categorical_crossentropy",
                     nullptr,
                     nullptr,
                     nullptr,
                     true,
                     {},
                     train.kind.span};
      block.block = session.library.find(block.name);
      if (outputs[i].is_class) block.arguments.push_back({"from_logits", logits, train.kind.span});
      losses.push_back({std::make_shared<const Callable>(std::move(block)), "none", train.kind.span});
    }
  }
  for (size_t i = 0; i < losses.size(); ++i) {
    if (is_true(in, *losses[i].block, "from_logits"))
      losses[i].activation = losses[i].block->name.starts_with("binary") ? "sigmoid" : "softmax";
    check_loss(in, losses[i], outputs[i], maker(predict, values[i].id));
  }
  return losses;
}

std::vector<MetricInfo> find_metrics(Session &session, const ast::Section &train,
                                     const std::vector<OutputInfo> &outputs) {
  Interpreter in(session, nullptr);
  std::vector<std::pair<Datum, Span>> chosen;
  if (const ast::Entry *entry = find_entry(&train, "metrics"))
    chosen = entry_values(in, *entry->value);
  else if (std::any_of(outputs.begin(), outputs.end(), [](const OutputInfo &o) { return o.is_class; }))
    chosen.emplace_back(std::make_shared<const Callable>(Callable{
                            "accuracy", session.library.find("accuracy"), nullptr, nullptr, true, {}, train.kind.span}),
                        train.kind.span);
  constexpr std::string_view lower[] = {"root_mean_squared_error", "rmse"};
  std::vector<MetricInfo> metrics;
  std::set<std::string> taken;
  for (size_t output = 0; output < outputs.size(); ++output)
    for (const auto &[value, span] : chosen) {
      CallablePtr block = as_objective(in, value, span, "metric");
      if (!block) continue;
      MetricInfo metric;
      metric.block = block;
      metric.name = outputs.size() > 1 ? outputs[output].name + "." + block->name : block->name;
      std::string base = metric.name;
      for (int i = 1; !taken.insert(metric.name).second; ++i) metric.name = fmt::format("{}_{}", base, i);
      if (auto it = session.blocks.find(block->name + "_value"); !block->library && it != session.blocks.end())
        metric.value = it->second;
      else if (block->library && (metric.value = session.library.find(block->name + "_value")))
        metric.library = true;
      metric.higher_is_better = session.library.home(block->name) != "losses" &&
                                std::find(std::begin(lower), std::end(lower), block->name) == std::end(lower);
      metric.output = output;
      metric.span = span;
      metrics.push_back(std::move(metric));
    }
  return metrics;
}

Datum apply_activation(Interpreter &in, const std::string &activation, const TensorValue &output, Span span) {
  if (activation == "none") return output;
  return in.with_frame(internal_frame(activation, span), [&] {
    return in.call_library(activation, {{"", output, span}}, span);
  });
}

std::vector<ValueId> Objective::results() const {
  std::vector<ValueId> all{loss_sum, penalty};
  all.insert(all.end(), metrics.begin(), metrics.end());
  return all;
}

namespace {

// Sum over the batch of value * weight.
Datum weighted_sum(Interpreter &in, ValueId value, ValueId weight, Span span) {
  Datum product = in.binary("multiply", TensorValue{value, nullptr}, TensorValue{weight, nullptr}, span);
  const auto *tensor = product.as<TensorValue>();
  return tensor ? in.emit("reduce_sum", {tensor->id}, {{"axes", std::vector<int64_t>{0}}}, span) : product;
}

// Checks that a block gave one number for each sample.
std::optional<ValueId> per_sample(Interpreter &in, const Datum &value, Span span, const std::string &name) {
  auto id = in.as_tensor(value, span, "the value of " + name);
  if (!id) return std::nullopt;
  const Type &type = in.function()->builder.type(*id);
  if (type.rank() == 1 && type.shape[0] == kBatch) return id;
  in.error(span, fmt::format("{} must give one number for each sample, it gives {}", name, to_string(type)));
  return std::nullopt;
}

// The regularisers of the weights that are trained, and what add_penalty collected.
Datum add_penalties(Interpreter &in) {
  Session &session = in.session();
  Datum total = make_number(0, false);
  for (size_t i = 0; i < session.weights.size(); ++i) {
    const WeightInfo weight = session.weights[i];
    const auto *block = weight.regularizer.as<CallablePtr>();
    if (!block || weight.role != Role::weight || !session.module.weights[i].trainable ||
        !in.function()->reads.count(weight.name))
      continue;
    Datum penalty = in.with_frame(internal_frame("regularizer." + weight.name, weight.span), [&] {
      return in.call(**block, {{"", in.read_weight(weight.name, weight.span), weight.span}}, (*block)->span);
    });
    total = in.binary("add", total, penalty, weight.span);
  }
  for (ValueId penalty : in.function()->penalties) total = in.binary("add", total, TensorValue{penalty, nullptr}, {});
  return total;
}

// Whether the metric looks at the order of the outputs alone, which softmax does not change.
bool ignores_softmax(const std::string &name) {
  return name.find("accuracy") != std::string::npos || name.find("top_k") != std::string::npos;
}

std::optional<ValueId> add_metric(Interpreter &in, MetricInfo &metric, const LossInfo &loss, ValueId target,
                                  const TensorValue &output, ValueId sample_weight) {
  Datum prediction = output;
  bool raw = is_true(in, *metric.block, "from_logits") ||
             (loss.activation == "softmax" && ignores_softmax(metric.block->name));
  if (!raw) prediction = apply_activation(in, loss.activation, output, metric.span);
  std::vector<Operand> operands{{"", TensorValue{target, nullptr}, metric.span}, {"", prediction, metric.span}};
  if (data_operands(*metric.block->block) > 2)
    operands.push_back({"", TensorValue{sample_weight, nullptr}, metric.span});
  Datum value = in.with_frame(internal_frame("metric." + metric.name, metric.span),
                              [&] { return in.call(*metric.block, operands, metric.span); });
  if (!metric.value) {
    auto samples = per_sample(in, value, metric.span, metric.name);
    if (!samples) return std::nullopt;
    value = in.with_frame(internal_frame("metric." + metric.name, metric.span), [&] {
      return in.call_library(
          "mean_sums",
          {{"", TensorValue{*samples, nullptr}, metric.span}, {"", TensorValue{sample_weight, nullptr}, metric.span}},
          metric.span);
    });
  }
  auto sums = in.as_tensor(value, metric.span, "the value of " + metric.name);
  if (!sums) return std::nullopt;
  const Type &type = in.function()->builder.type(*sums);
  if (type.rank() != 1 || type.shape[0].batch || type.dtype != DType::f32) {
    in.error(metric.span, fmt::format("{} must give a list of sums, it gives {}", metric.name, to_string(type)));
    return std::nullopt;
  }
  metric.accumulators = type.shape[0].size;
  return sums;
}

}  // namespace

std::optional<Objective> add_objective(Interpreter &in, Functions &functions, const std::vector<TensorValue> &values,
                                       bool with_metrics, bool mixed) {
  Builder &builder = in.function()->builder;
  struct Wanted {
    std::vector<ValueId> targets;
    ValueId weight;
  };
  const auto add_arguments = [&](const std::string &target, const std::string &weight) {
    Wanted wanted;
    for (const OutputInfo &output : functions.outputs)
      wanted.targets.push_back(
          builder.argument(functions.outputs.size() > 1 ? target + "." + output.name : target, output.target));
    wanted.weight = builder.argument(weight, Type{DType::f32, {kBatch}});
    return wanted;
  };
  std::vector<Wanted> wanted{add_arguments("target", "sample_weight")};
  if (mixed) wanted.push_back(add_arguments("mixed_target", "mixed_weight"));

  Datum total = make_number(0, false);
  for (const auto &[targets, weight] : wanted)
    for (size_t i = 0; i < values.size(); ++i) {
      const LossInfo &loss = functions.losses[i];
      Datum value = in.with_frame(internal_frame("loss", loss.span), [&] {
        return in.call(*loss.block, {{"", TensorValue{targets[i], nullptr}, loss.span}, {"", values[i], loss.span}},
                       loss.span);
      });
      auto samples = per_sample(in, value, loss.span, loss.block->name);
      if (!samples) return std::nullopt;
      Datum sum = weighted_sum(in, *samples, weight, loss.span);
      total = total.is<Number>() ? sum : in.binary("add", total, sum, loss.span);
    }
  Objective objective;
  auto loss_sum = in.as_tensor(total, {}, "the loss"), penalty = in.as_tensor(add_penalties(in), {}, "the penalty");
  if (!loss_sum || !penalty) return std::nullopt;
  objective.loss_sum = *loss_sum;
  objective.penalty = *penalty;
  objective.names = {"loss_sum", "penalty"};
  if (!with_metrics) return objective;
  // Metrics compare with the first target, with the weight of both.
  ValueId weight = wanted[0].weight;
  if (mixed) weight = builder.emit("add", {weight, wanted[1].weight}, {});
  bool sound = true;
  for (MetricInfo &metric : functions.metrics) {
    auto sums = add_metric(in, metric, functions.losses[metric.output], wanted[0].targets[metric.output],
                           values[metric.output], weight);
    sound &= sums.has_value();
    if (!sums) continue;
    objective.metrics.push_back(*sums);
    objective.names.push_back("metric." + metric.name);
  }
  return sound ? std::optional(std::move(objective)) : std::nullopt;
}

void add_metrics_function(Session &session, const Functions &functions) {
  FunctionBuild build(session, "metrics", Mode::inference);
  Interpreter in(session, &build);
  std::vector<ValueId> results;
  std::vector<std::string> names;
  for (const MetricInfo &metric : functions.metrics) {
    if (metric.accumulators == 0) return;  // its sums failed
    ValueId sums = build.builder.argument(metric.name, Type{DType::f32, {{metric.accumulators, false}}});
    Callable block{metric.value ? metric.value->name.text : "mean_value",
                   metric.value,
                   nullptr,
                   nullptr,
                   metric.library || !metric.value,
                   {},
                   metric.span};
    if (!block.block) block.block = session.library.find(block.name);
    std::vector<Operand> operands{{"", TensorValue{sums, nullptr}, metric.span}};
    if (metric.value)
      for (const ast::Parameter &parameter : metric.value->parameters)
        if (auto value = argument_of(in, *metric.block, parameter.name.text))
          operands.push_back({parameter.name.text, *value, metric.span});
    Datum value = in.with_frame(internal_frame("metric." + metric.name, metric.span),
                                [&] { return in.call(block, operands, metric.span); });
    auto id = in.as_tensor(value, metric.span, "the value of " + metric.name);
    if (!id) return;
    if (build.builder.type(*id).rank() != 0) {
      in.error(metric.span, fmt::format("the value of {} must be one number, it is {}", metric.name,
                                        to_string(build.builder.type(*id))));
      return;
    }
    results.push_back(*id);
    names.push_back(metric.name);
  }
  session.module.functions.push_back(build.builder.finish(results, names));
}

}  // namespace netc::elaborate
