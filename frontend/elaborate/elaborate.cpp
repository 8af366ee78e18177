#include "frontend/elaborate/elaborate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "frontend/elaborate/functions.h"
#include "frontend/elaborate/sections.h"
#include "frontend/elaborate/spaces.h"

namespace netc::elaborate {
namespace {

using nlohmann::json;

json shape_json(const Type &type) {
  json shape = json::array();
  for (size_t i = 1; i < type.shape.size(); ++i) shape.push_back(type.shape[i].size);
  return shape;
}

json network_json(const ast::NetworkDecl &network, const Functions &functions) {
  json inputs = json::array(), outputs = json::array();
  for (size_t i = 0; i < functions.inputs.size(); ++i)
    inputs.push_back({{"name", network.inputs[i].name.text},
                      {"kind", "tensor"},
                      {"dtype", name(functions.inputs[i].dtype)},
                      {"shape", shape_json(functions.inputs[i])}});
  for (const OutputInfo &output : functions.outputs) {
    json field{{"name", output.name},
               {"kind", output.is_class ? "class" : "tensor"},
               {"dtype", name(output.type.dtype)},
               {"shape", shape_json(output.type)}};
    if (output.is_class) field["classes"] = output.classes;
    outputs.push_back(std::move(field));
  }
  return {{"name", network.name.text}, {"inputs", inputs}, {"outputs", outputs}};
}

json layers_json(const Session &session) {
  json layers = json::array();
  for (const LayerInfo &layer : session.layers) {
    json names = json::array();
    int64_t parameters = 0;
    for (const WeightInfo &weight : session.weights)
      if (weight.name.starts_with(layer.name + ".") && weight.role != Role::optimizer) {
        names.push_back(weight.name);
        parameters += element_count(weight.type.shape)->size;
      }
    layers.push_back(
        {{"name", layer.name},
         {"kind", layer.kind},
         {"output_shape", shape_json(layer.output)},
         {"weights", names},
         {"parameters", parameters},
         {"flops", layer.flops},
         {"line", layer.span.known() ? session.sources.file(layer.span.file).position(layer.span.begin).line : 0}});
    if (layer.rectified) layers.back()["rectified"] = true;
  }
  return layers;
}

json weights_json(const Session &session) {
  json weights = json::array();
  for (size_t i = 0; i < session.weights.size(); ++i) {
    const WeightInfo &weight = session.weights[i];
    json shape = json::array();
    for (const Dim &dim : weight.type.shape) shape.push_back(dim.size);
    weights.push_back({{"name", weight.name},
                       {"dtype", name(weight.type.dtype)},
                       {"shape", shape},
                       {"trainable", session.module.weights[i].trainable},
                       {"role", weight.role == Role::weight  ? "weight"
                                : weight.role == Role::state ? "state"
                                                             : "optimizer"}});
  }
  return weights;
}

// A number is an integer when all that its space holds is.
const char *kind_of(const Datum &value, const json &space) {
  const auto *number = value.as<Number>();
  if (!number) return value.is<bool>() ? "boolean" : "string";
  bool integer = number->integer;
  if (space.is_object() && space["kind"] == "range") integer &= space["integer"].get<bool>();
  if (space.is_object() && space["kind"] == "choice")
    for (const json &choice : space["values"]) integer &= choice.is_number_integer();
  return integer ? "integer" : "real";
}

// In the order of their declaration.
json params_json(Session &session) {
  Interpreter interpreter(session, nullptr);
  std::vector<const std::string *> names(session.params.size());
  for (const auto &[name, param] : session.params) names[param.order] = &name;
  json parameters = json::array();
  for (const std::string *name : names) {
    ParamInfo &param = session.params.at(*name);
    json space = param_space(interpreter, *name, param), condition = param_condition(interpreter, *name, param);
    const std::string *bare = bare_name(param.value);
    json value = bare ? json(*bare) : datum_json(param.value);
    parameters.push_back({{"name", *name},
                          {"value", value},
                          {"kind", kind_of(param.value, space)},
                          {"used", param.used},
                          {"runtime", !param.fixed && param.used},
                          {"space", space},
                          {"condition", condition}});
    // What an error kept from being looked at may have used it, or what other values of the params lead to.
    if (!param.used && condition.is_null() && session.reporter.error_count() == 0)
      session.reporter.warning(param.declaration->name.span, "the param " + *name + " is never used");
  }
  return parameters;
}

json loss_json(const Session &session, const ast::Section *train, const Functions &functions) {
  if (functions.losses.empty()) return nullptr;
  const ast::Entry *entry = find_entry(train, "loss");
  const std::string &name = functions.losses[0].block->name;
  return {{"name", name}, {"text", entry ? source_text(session.sources, entry->value->span) : name}};
}

json metrics_json(const Functions &functions) {
  json metrics = json::array();
  for (const MetricInfo &metric : functions.metrics)
    metrics.push_back(
        {{"name", metric.name}, {"accumulators", metric.accumulators}, {"higher_is_better", metric.higher_is_better}});
  return metrics;
}

void warn_of_unused(Session &session) {
  for (const auto &[place, declared] : session.declared)
    if (!session.used.count(place))
      session.reporter.warning(declared.first,
                               fmt::format("the {} {} is never used", declared.second.what, declared.second.name));
}

// Nothing is known of them without a train section, or when the metrics may have had errors.
Figures figures_of(const Session &session, const Declarations &declarations, const Functions &functions) {
  if (!declarations.train || session.reporter.has_errors()) return {};
  Figures figures{{"loss", "penalty"}, find_entry(declarations.data, "validation") != nullptr};
  for (const MetricInfo &metric : functions.metrics) figures.names.push_back(metric.name);
  return figures;
}

// Epochs and batches are counted: whole numbers of at least 1. A value that a param gives is checked by the program.
void check_counts(const ast::Section &train, Session &session) {
  for (const ast::Entry &entry : train.entries) {
    if (!entry.key || (entry.key->text != "epochs" && entry.key->text != "batch_size")) continue;
    const ast::Expr *expression = entry.value.get();
    const auto *minus = std::get_if<ast::UnaryOp>(&expression->node);
    if (minus && minus->op == "-") expression = minus->operand.get();
    const auto *number = std::get_if<ast::Number>(&expression->node);
    if (!number) continue;
    double value = minus ? -number->value : number->value;
    bool counted = number->unit.empty() || number->unit == entry.key->text;
    if (!counted || value < 1 || value != std::floor(value))
      session.reporter.error(entry.value->span,
                             fmt::format("{} is a whole number of at least 1, got {}{}", entry.key->text, value,
                                         number->unit.empty() ? "" : " " + number->unit));
  }
}

// precision = bf16: of the whole program, so it is decided here and nowhere later.
void choose_precision(const ast::Section &train, Session &session) {
  const ast::Entry *entry = find_entry(&train, "precision");
  if (!entry) return;
  std::string text = source_text(session.sources, entry->value->span);
  if (text == "bf16")
    session.module.precision = Precision::bf16;
  else if (text != "f32")
    session.reporter.error(entry->value->span, fmt::format("there is no precision {}", text))
        .help("precision = bf16, or f32, which it is without");
}

// swap_to_averaged_weights needs averages.
void check_averages(const ast::Section &train, Session &session) {
  const ast::Entry *entry = find_entry(&train, "callbacks");
  const auto *list = entry ? std::get_if<ast::List>(&entry->value->node) : nullptr;
  if (!list || std::any_of(session.weights.begin(), session.weights.end(),
                           [](const WeightInfo &weight) { return weight.name.starts_with("ema.average."); }))
    return;
  for (const auto &item : list->items) {
    const auto *call = std::get_if<ast::Call>(&item->node);
    const auto *name = std::get_if<ast::Name>(call ? &call->callee->node : &item->node);
    if (name && name->text == "swap_to_averaged_weights")
      session.reporter.error(item->span, "swap_to_averaged_weights needs an optimizer that averages the weights")
          .help("adam(learning_rate = 1e-3, use_ema = true)");
  }
}

}  // namespace

std::optional<Program> elaborate(const std::vector<std::unique_ptr<ast::File>> &files, const FrontendOptions &options,
                                 SourceMap &sources, Diagnostics &diagnostics) {
  Session session(sources, diagnostics);
  const SourceFile &main = sources.file(files.back()->id);
  session.module.name = file_stem(main.name());
  Declarations declarations = declare(files, options, session);
  Functions functions;
  if (declarations.network) functions = build_functions(session, declarations);

  json metadata{{"format", 1}, {"name", session.module.name}, {"source", main.text()}, {"source_path", main.name()}};
  Figures figures = figures_of(session, declarations, functions);
  auto section = [&](const char *key, const ast::Section *node, const std::vector<std::string> &compiled) {
    metadata[key] = node ? section_json(session, *node, compiled, figures) : json(nullptr);
  };
  section("data", declarations.data, {});
  section("train", declarations.train, {"optimizer", "groups", "freeze", "loss", "metrics", "precision"});
  if (declarations.train) check_counts(*declarations.train, session);
  if (declarations.train) choose_precision(*declarations.train, session);
  if (declarations.train && !session.reporter.has_errors()) check_averages(*declarations.train, session);
  section("tune", declarations.tune, {});
  section("check", declarations.check, {});
  metadata["parameters"] = params_json(session);
  if (session.reporter.has_errors()) return std::nullopt;
  warn_of_unused(session);

  metadata["network"] = network_json(*declarations.network, functions);
  metadata["output_activation"] = functions.losses.empty() ? "none" : functions.losses[0].activation;
  metadata["layers"] = layers_json(session);
  metadata["weights"] = weights_json(session);
  metadata["loss"] = loss_json(session, declarations.train, functions);
  metadata["metrics"] = metrics_json(functions);
  return Program{std::move(session.module), std::make_shared<json>(std::move(metadata))};
}

}  // namespace netc::elaborate
