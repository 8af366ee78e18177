// Weights: declared by blocks, named by the path of the block's instance, read once a function, written by `update`.
#include <fmt/format.h>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {

Datum Interpreter::read_weight(const std::string &name, Span span) {
  if (auto it = function_->reads.find(name); it != function_->reads.end()) return TensorValue{it->second, nullptr};
  Datum value = emit("read", {}, {{"weight", name}}, span);
  if (const auto *tensor = value.as<TensorValue>()) {
    function_->builder.name(tensor->id, name);
    function_->reads[name] = tensor->id;
  }
  return value;
}

Datum Interpreter::runtime_value(const std::string &name, Span span) {
  if (!function_) return error(span, name + " is known only when the program runs");
  if (auto it = function_->runtime_values.find(name); it != function_->runtime_values.end())
    return TensorValue{it->second, nullptr};
  Datum value = emit("runtime_value", {}, {{"name", name}}, span);
  bool counts_steps = name == "step" || name == "steps_per_epoch" || name == "total_steps";
  if (function_->steps_per_update > 1 && counts_steps) {
    value = binary("divide", value, make_integer(function_->steps_per_update), span);
    if (name == "step") value = unary("floor", value, span);
  }
  if (const auto *tensor = value.as<TensorValue>()) function_->runtime_values[name] = tensor->id;
  return value;
}

void Interpreter::declare_weight(const ast::WeightDecl &node, Span span) {
  auto poison = [&] { define(node.name, Poison{}, nullptr); };
  if (!function_) {
    error(span, "weights belong into blocks and networks");
    return;
  }
  auto type = type_of(node.type);
  Datum initializer = evaluate(*node.initializer);
  WeightInfo info{"", {}, frame_->role, initializer, None{}, None{}, user_span(span)};
  bool trainable = true, sound = type && !is_poison(initializer);
  for (const ast::Entry &setting : node.settings) {
    Datum value = evaluate(*setting.value);
    std::string key = setting.key ? setting.key->text : "";
    if (is_poison(value)) sound = false;
    if (key == "regularizer")
      info.regularizer = value;
    else if (key == "constraint")
      info.constraint = value;
    else if (key == "trainable") {
      auto flag = as_boolean(value, setting.span, "trainable");
      trainable = flag.value_or(true);
    } else {
      std::string near = nearest_name(key, {"regularizer", "constraint", "trainable"});
      error(setting.span, "a weight has no setting " + key, near.empty() ? "" : "did you mean " + near + "?");
    }
  }
  if (!sound) return poison();
  for (const auto &[what, value] :
       {std::pair("initializer", initializer), {"regularizer", info.regularizer}, {"constraint", info.constraint}})
    if (!value.is<CallablePtr>() && !value.is<None>() && !(what == std::string("initializer") && value.is<Number>())) {
      error(span, fmt::format("the {} of {} must be a block, got {}", what, node.name.text, describe(value)));
      return poison();
    }
  for (const Dim &dim : type->shape)
    if (dim.batch) {
      error(node.type.span, fmt::format("the weight {} cannot depend on the batch size", node.name.text));
      return poison();
    }
  info.type = *type;
  info.name = frame_->path.empty() ? node.name.text : frame_->path + "." + node.name.text;
  info.name += frame_->suffix;
  if (!trainable && info.role == Role::weight) info.role = Role::state;
  const WeightInfo *known = session_.find_weight(info.name);
  if (known && known->type != *type && frame_->shared) {
    error(node.name.span,
          fmt::format("the weight {} is {}, this call would need {}", info.name, to_string(known->type),
                      to_string(*type)),
          "a step bound to a name has the same weights in every call: give it inputs of the same shape, or make a "
          "second step");
    return poison();
  }
  if (known && (known->type != *type || frame_->weights.count(node.name.text))) {
    error(node.name.span, fmt::format("the weight {} is declared twice", info.name));
    return poison();
  }
  if (!known) {
    session_.module.weights.push_back(
        {info.name, *type, trainable && info.role == Role::weight, 0, function_->builder.location()});
    session_.weights.push_back(info);
    double bytes = 0;
    for (const WeightInfo &weight : session_.weights)
      bytes += static_cast<double>(element_count(weight.type.shape)->size) *
               static_cast<double>(byte_size(weight.type.dtype));
    if (bytes > static_cast<double>(kMaxWeightBytes)) {
      error(span,
            fmt::format("the weights need {:.0f} GiB, more than {} GiB", bytes / (1 << 30), kMaxWeightBytes >> 30));
      session_.stopped = true;
    }
  }
  frame_->weights[node.name.text] = info.name;
  define(node.name, read_weight(info.name, span), nullptr);
}

void Interpreter::update(const ast::Update &node, Span span) {
  auto it = frame_->weights.find(node.name.text);
  if (it == frame_->weights.end()) {
    error(node.name.span, "there is no weight " + node.name.text + " in this block");
    return;
  }
  const WeightInfo *weight = session_.find_weight(it->second);
  if (weight->role == Role::weight) {
    error(node.name.span, fmt::format("{} is trainable: the optimizer updates it", node.name.text),
          "declare it with { trainable = false }");
    return;
  }
  Datum value = evaluate(*node.value);
  if (is_poison(value) || !function_->training) return;
  auto tensor = as_tensor(value, node.value->span, "the new value of " + node.name.text, weight->type.dtype);
  if (!tensor) return;
  if (function_->builder.type(*tensor) != weight->type) {
    error(node.value->span, fmt::format("{} is {}, its new value {}", node.name.text, to_string(weight->type),
                                        to_string(function_->builder.type(*tensor))));
    return;
  }
  if (!function_->writes) return;
  if (function_->updates_now) {
    ValueId old = read_weight(weight->name, span).as<TensorValue>()->id;
    tensor = function_->builder.emit("select", {*function_->updates_now, *tensor, old});
  }
  // What comes later reads the new value; the last one is written.
  set_location(span);
  function_->reads[weight->name] = *tensor;
  function_->updates[weight->name] = {*tensor, function_->builder.location()};
}

}  // namespace netc::elaborate
