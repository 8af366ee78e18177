#include "frontend/elaborate/functions.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/elaborate/network.h"
#include "frontend/elaborate/steps.h"
#include "frontend/elaborate/training.h"

namespace netc::elaborate {

const ast::Entry *find_entry(const ast::Section *section, const std::string &key) {
  if (section)
    for (const ast::Entry &entry : section->entries)
      if (entry.key && entry.key->text == key) return &entry;
  return nullptr;
}

std::optional<Datum> argument_of(Interpreter &in, const Callable &callable, const std::string &name) {
  const auto &parameters = callable.block->parameters;
  size_t position = 0, data = 0;
  while (position < parameters.size() && parameters[position].name.text != name) ++position;
  if (position == parameters.size()) return std::nullopt;
  while (data < parameters.size() && !parameters[data].fallback && parameters[data].type) ++data;
  size_t next = data;
  for (const BoundArgument &argument : callable.arguments) {
    if (argument.name == name) return argument.value;
    if (argument.name.empty() && next++ == position) return argument.value;
  }
  if (!parameters[position].fallback) return std::nullopt;
  return in.with_frame(internal_frame(callable.name, callable.span),
                       [&] { return in.evaluate(*parameters[position].fallback); });
}

namespace {

// Whether the list `augment` of the data section holds an augmentation that blends samples.
bool mixes_samples(const ast::Section *data) {
  const ast::Entry *entry = find_entry(data, "augment");
  if (!entry) return false;
  const auto mixes = [](const ast::Expr &item) {
    const auto *call = std::get_if<ast::Call>(&item.node);
    const auto *name = std::get_if<ast::Name>(call ? &call->callee->node : &item.node);
    return name && (name->text == "mixup" || name->text == "cutmix");
  };
  const auto *list = std::get_if<ast::List>(&entry->value->node);
  return list ? std::any_of(list->items.begin(), list->items.end(), [&](const auto &item) { return mixes(*item); })
              : mixes(*entry->value);
}

struct Pass {
  FunctionBuild build;
  Interpreter in;
  std::optional<std::vector<TensorValue>> values;

  Pass(Session &session, const char *name, Mode mode, const ast::NetworkDecl &network, Functions &functions,
       bool writes, bool records)
      : build(session, name, mode), in(session, &build) {
    build.writes = writes;
    build.records_layers = records;
    values = run_network(in, network, functions.inputs, functions.outputs);
  }
};

void finish(Session &session, Pass &pass, std::vector<ValueId> results, std::vector<std::string> names) {
  Builder &builder = pass.build.builder;
  for (const auto &[weight, update] : pass.build.updates) {
    builder.set_location(update.location);
    builder.emit("write", {update.value}, {{"weight", weight}});
  }
  session.module.functions.push_back(builder.finish(std::move(results), std::move(names)));
}

void add_predict(Session &session, Pass &pass, const Functions &functions) {
  std::vector<ValueId> results;
  std::vector<std::string> names;
  for (size_t i = 0; i < functions.outputs.size(); ++i) {
    Datum value = (*pass.values)[i];
    if (i < functions.losses.size())
      value = apply_activation(pass.in, functions.losses[i].activation, (*pass.values)[i], functions.losses[i].span);
    auto id = pass.in.as_tensor(value, {}, "the output");
    if (!id) return;
    results.push_back(*id);
    names.push_back(functions.outputs[i].name);
  }
  finish(session, pass, results, names);
}

// The schedule on its own, for whoever wants to see it.
void add_learning_rate(Session &session, const ast::Section &train) {
  FunctionBuild build(session, "learning_rate", Mode::inference);
  Interpreter in(session, &build);
  if (auto rate = learning_rate(in, train))
    session.module.functions.push_back(build.builder.finish({*rate}, {"learning_rate"}));
}

void add_train_step(Session &session, const Declarations &declarations, Functions &functions) {
  Pass pass(session, "train_step", Mode::training, *declarations.network, functions, true, false);
  auto objective = pass.values ? add_objective(pass.in, functions, *pass.values, true, functions.mixes) : std::nullopt;
  auto loss = objective ? training_loss(pass.in, *objective) : std::nullopt;
  auto gradients = loss ? add_gradients(pass.in, *loss) : std::nullopt;
  if (!gradients || !find_entry(declarations.train, "optimizer")) return;
  add_optimizer(pass.in, *declarations.train, *gradients);
  finish(session, pass, objective->results(), objective->names);
  if (session.reporter.error_count() == 0) add_learning_rate(session, *declarations.train);
}

void add_gradcheck(Session &session, const Declarations &declarations, Functions &functions) {
  Pass pass(session, "gradcheck", Mode::training, *declarations.network, functions, false, false);
  auto objective = pass.values ? add_objective(pass.in, functions, *pass.values, false) : std::nullopt;
  auto loss = objective ? training_loss(pass.in, *objective) : std::nullopt;
  auto gradients = loss ? add_gradients(pass.in, *loss) : std::nullopt;
  if (!gradients) return;
  std::vector<ValueId> results{*loss};
  std::vector<std::string> names{"loss"};
  results.insert(results.end(), gradients->gradients.begin(), gradients->gradients.end());
  names.insert(names.end(), gradients->names.begin(), gradients->names.end());
  finish(session, pass, results, names);
}

// Writes every weight its first value. Comes last: it knows the weights of all functions.
void add_init(Session &session) {
  FunctionBuild build(session, "init", Mode::inference);
  Interpreter in(session, &build);
  for (size_t i = 0; i < session.weights.size() && !session.stopped; ++i) {
    const WeightInfo weight = session.weights[i];
    Datum value = weight.initializer;
    if (const auto *block = value.as<CallablePtr>()) {
      std::vector<Datum> shape;
      for (const Dim &dim : weight.type.shape) shape.push_back(make_integer(dim.size));
      value = in.with_frame(internal_frame(weight.name, weight.span), [&] {
        return in.call(**block, {{"", make_list(shape), weight.span}}, (*block)->span);
      });
    } else if (value.is<Number>()) {
      value = in.emit("constant", {},
                      {{"dtype", std::string(name(weight.type.dtype))},
                       {"shape", weight.type.shape},
                       {"values", std::vector<double>{value.as<Number>()->value}}},
                      weight.span);
    }
    auto id = in.as_tensor(value, weight.span, "the initial value of " + weight.name);
    if (!id) continue;
    if (build.builder.type(*id) != weight.type) {
      in.error(weight.span, fmt::format("the initialiser of {} gives {}, the weight is {}", weight.name,
                                        to_string(build.builder.type(*id)), to_string(weight.type)));
      continue;
    }
    if (auto written = build.builder.try_emit("write", {*id}, {{"weight", weight.name}}); !written)
      in.error(weight.span, written.error().message, written.error().help);
  }
  session.module.functions.insert(session.module.functions.begin(), build.builder.finish({}, {}));
}

}  // namespace

Functions build_functions(Session &session, const Declarations &declarations) {
  Functions functions;
  const ast::NetworkDecl &network = *declarations.network;
  size_t errors_before = session.reporter.error_count();
  {
    Interpreter in(session, nullptr);
    functions.inputs = declared_inputs(in, network);
    functions.outputs = declared_outputs(in, network);
  }
  // Without its types a network has no meaning to check.
  if (session.reporter.error_count() > errors_before) return functions;
  Pass predict(session, "predict", Mode::inference, network, functions, false, true);
  bool trains = declarations.train && predict.values;
  functions.mixes = mixes_samples(declarations.data);
  if (trains) {
    functions.losses =
        find_losses(session, *declarations.train, functions.outputs, *predict.values, predict.build.builder.function());
    functions.metrics = find_metrics(session, *declarations.train, functions.outputs);
    freeze(session, *declarations.train);
  }
  if (predict.values) add_predict(session, predict, functions);
  if (trains && !functions.losses.empty()) {
    Pass evaluate(session, "evaluate", Mode::inference, network, functions, false, false);
    auto objective = evaluate.values ? add_objective(evaluate.in, functions, *evaluate.values, true) : std::nullopt;
    if (objective) {
      finish(session, evaluate, objective->results(), objective->names);
      add_train_step(session, declarations, functions);
      add_metrics_function(session, functions);
      add_gradcheck(session, declarations, functions);
    }
  } else if (predict.values || declarations.train) {
    // Errors in what only training runs come out all the same.
    Pass training(session, "train_step", Mode::training, network, functions, true, false);
  }
  add_init(session);
  return functions;
}

}  // namespace netc::elaborate
