#include "frontend/elaborate/optimizer_settings.h"

#include <fmt/format.h>

#include <algorithm>

namespace netc::elaborate {
namespace {

using Names = std::vector<std::string>;

const char *const kMultiplier = "learning_rate_multiplier";
const Names kShared = {"clipnorm",
                       "global_clipnorm",
                       "clipvalue",
                       "use_ema",
                       "ema_momentum",
                       "ema_overwrite_frequency",
                       "gradient_accumulation_steps"};

bool holds(const Names &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The settings that every optimizer takes though its block does not name them.
Callable every_optimizer(Interpreter &in) {
  Callable callable{"every_optimizer", in.session().library.find("every_optimizer"), nullptr, nullptr, true, {}, {}};
  return callable;
}

// All arguments by name; the weight and the gradient come first and are not the user's to give.
Callable with_names(const Callable &optimizer) {
  Callable result = optimizer;
  size_t next = 2;
  for (BoundArgument &argument : result.arguments)
    if (argument.name.empty() && next < optimizer.block->parameters.size())
      argument.name = optimizer.block->parameters[next++].name.text;
  return result;
}

void set(std::vector<BoundArgument> &arguments, const BoundArgument &argument) {
  auto known = std::find_if(arguments.begin(), arguments.end(),
                            [&](const BoundArgument &other) { return other.name == argument.name; });
  if (known == arguments.end())
    arguments.push_back(argument);
  else
    *known = argument;
}

// The rate of the file, a number or a schedule; whatever it is, the runtime can put another in its place.
Datum base_rate(Interpreter &in, const Callable &optimizer, Span span) {
  Datum rate = argument_of(in, optimizer, "learning_rate").value_or(None{});
  auto usual = in.as_tensor(rate, span, "the learning rate");
  Datum other = in.runtime_value("learning_rate_override", span);
  const auto *tensor = other.as<TensorValue>();
  if (!usual || !tensor) return Poison{};
  Datum given = in.binary("greater", other, make_integer(0), span);
  const auto *condition = given.as<TensorValue>();
  return condition ? in.emit("select", {condition->id, tensor->id, *usual}, {}, span) : Poison{};
}

Datum scaled_rate(Interpreter &in, const Callable &optimizer, const Datum &multiplier, Span span) {
  Datum rate = base_rate(in, optimizer, span);
  const auto *factor = multiplier.as<Number>();
  if (!factor || factor->symbol || factor->value != 1) rate = in.binary("multiply", rate, multiplier, span);
  return in.binary("multiply", rate, in.runtime_value("learning_rate_scale", span), span);
}

}  // namespace

std::optional<OptimizerSettings> OptimizerSettings::read(Interpreter &in, const ast::Section &train) {
  const ast::Expr &expression = *find_entry(&train, "optimizer")->value;
  OptimizerSettings settings;
  settings.span_ = expression.span;
  Datum value = in.evaluate(expression);
  if (is_poison(value)) return std::nullopt;
  const auto *pointer = value.as<CallablePtr>();
  bool fits = pointer && (*pointer)->block && (*pointer)->block->parameters.size() >= 2 &&
              argument_of(in, **pointer, "learning_rate").has_value();
  if (!fits) {
    in.error(expression.span, in.describe(value) + " is no optimizer", "adam(learning_rate = 1e-3)");
    return std::nullopt;
  }
  settings.optimizer_ = with_names(**pointer);
  bool sound = settings.check_names(in, settings.optimizer_.arguments, false) && settings.read_shared(in);
  sound = settings.read_groups(in, train) && sound;
  return sound ? std::optional(std::move(settings)) : std::nullopt;
}

// Every argument names a setting of the optimizer; those of a group one that may differ between weights.
bool OptimizerSettings::check_names(Interpreter &in, const std::vector<BoundArgument> &arguments, bool of_group) const {
  Names names;
  for (const ast::Parameter &parameter : optimizer_.block->parameters)
    if (parameter.fallback) names.push_back(parameter.name.text);
  for (const ast::Parameter &parameter : every_optimizer(in).block->parameters) names.push_back(parameter.name.text);
  if (of_group) {
    std::erase_if(names, [](const std::string &name) { return holds(kShared, name); });
    names.emplace_back(kMultiplier);
  }
  bool sound = true;
  std::set<std::string> seen;
  for (const BoundArgument &argument : arguments) {
    std::string problem;
    if (of_group && holds(kShared, argument.name))
      problem = fmt::format("{} is one for all weights: it belongs to the optimizer", argument.name);
    else if (!argument.name.empty() && !holds(names, argument.name))
      problem = fmt::format("{} has no argument {}", optimizer_.name, argument.name);
    else if (!seen.insert(argument.name).second)
      problem = fmt::format("{}: {} is given twice", of_group ? "group" : optimizer_.name, argument.name);
    if (problem.empty()) continue;
    in.error(argument.span, problem, holds(kShared, argument.name) ? "" : suggestion(argument.name, names));
    sound = false;
  }
  return sound;
}

bool OptimizerSettings::read_shared(Interpreter &in) {
  auto averages = in.as_boolean(shared(in, "use_ema"), span_, "use_ema");
  averages_ = averages.value_or(false);
  Datum steps = shared(in, "gradient_accumulation_steps");
  if (steps.is<None>()) return averages.has_value();
  auto count = in.as_integer(steps, span_, "gradient_accumulation_steps");
  if (!count) return false;
  if (*count < 1) {
    in.error(span_, fmt::format("gradient_accumulation_steps is a whole number of at least 1, got {}", *count));
    return false;
  }
  steps_per_update_ = *count;
  return averages.has_value();
}

bool OptimizerSettings::read_groups(Interpreter &in, const ast::Section &train) {
  const ast::Entry *entry = find_entry(&train, "groups");
  if (!entry) return true;
  const auto *list = std::get_if<ast::List>(&entry->value->node);
  if (!list) {
    in.error(entry->value->span, "groups is a list", "groups = [group(encoder, learning_rate_multiplier = 0.1)]");
    return false;
  }
  bool sound = true;
  for (const auto &item : list->items) {
    auto group = read_group(in, *item);
    sound = sound && group;
    if (group) groups_.push_back(std::move(*group));
  }
  return sound;
}

std::optional<OptimizerSettings::Group> OptimizerSettings::read_group(Interpreter &in,
                                                                      const ast::Expr &expression) const {
  constexpr const char *example = "group(encoder, learning_rate_multiplier = 0.1)";
  const auto *call = std::get_if<ast::Call>(&expression.node);
  const auto *name = call ? std::get_if<ast::Name>(&call->callee->node) : nullptr;
  if (!name || name->text != "group") {
    in.error(expression.span, "groups holds calls of group", example);
    return std::nullopt;
  }
  if (call->arguments.size() < 2 || call->arguments[0].name) {
    in.error(expression.span, "a group is steps and what is different for them", example);
    return std::nullopt;
  }
  size_t errors = in.session().reporter.error_count();
  Group group{select_steps(in, *call->arguments[0].value, "group"), {}};
  for (size_t i = 1; i < call->arguments.size(); ++i) {
    const ast::Argument &argument = call->arguments[i];
    if (!argument.name) {
      in.error(argument.value->span, "the settings of a group are given by name", example);
      continue;
    }
    Operand operand = in.evaluate_argument(argument);
    if (is_poison(operand.value)) continue;
    group.settings.push_back({operand.name, operand.value, operand.span});
  }
  if (in.session().reporter.error_count() > errors || !check_names(in, group.settings, true)) return std::nullopt;
  const auto &weights = in.session().module.weights;
  bool trained = std::any_of(weights.begin(), weights.end(),
                             [&](const Weight &weight) { return weight.trainable && group.steps.covers(weight.name); });
  if (!trained) in.session().reporter.warning(expression.span, "no weight of this group is trained");
  return group;
}

Datum OptimizerSettings::shared(Interpreter &in, const std::string &name) const {
  if (auto own = argument_of(in, optimizer_, name)) return *own;
  for (const BoundArgument &argument : optimizer_.arguments)
    if (argument.name == name) return argument.value;
  return argument_of(in, every_optimizer(in), name).value_or(None{});
}

WeightRule OptimizerSettings::rule_of(Interpreter &in, const std::string &weight) const {
  Callable all = optimizer_;
  Datum multiplier = make_integer(1);
  for (const Group &group : groups_) {
    if (!group.steps.covers(weight)) continue;
    for (const BoundArgument &setting : group.settings)
      if (setting.name == kMultiplier)
        multiplier = setting.value;
      else
        set(all.arguments, setting);
  }
  WeightRule rule{all, scaled_rate(in, all, multiplier, span_)};
  std::erase_if(rule.optimizer.arguments, [](const BoundArgument &argument) {
    return argument.name == "learning_rate" || holds(kShared, argument.name);
  });
  return rule;
}

Datum OptimizerSettings::rate(Interpreter &in) const { return scaled_rate(in, optimizer_, make_integer(1), span_); }

}  // namespace netc::elaborate
