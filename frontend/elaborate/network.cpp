#include "frontend/elaborate/network.h"

#include <fmt/format.h>

namespace netc::elaborate {

Frame internal_frame(std::string path, Span span, Role role) {
  Frame frame;
  frame.name = path;
  frame.path = std::move(path);
  frame.role = role;
  frame.call = span;
  return frame;
}

std::vector<Type> declared_inputs(Interpreter &interpreter, const ast::NetworkDecl &network) {
  std::vector<Type> types;
  if (network.inputs.empty())
    interpreter.error(network.name.span, "a network has at least one input",
                      "network classifier(x: f32[4]) -> class[3]");
  for (const ast::Parameter &input : network.inputs) {
    std::optional<Type> type;
    if (!input.type)
      interpreter.error(input.name.span, "the input " + input.name.text + " needs a type",
                        input.name.text + ": f32[28, 28, 1]");
    else
      type = interpreter.type_of(*input.type);
    if (type && !is_float(type->dtype) && !is_integer(type->dtype))
      interpreter.error(input.type->span, "an input is f32 or i32");
    if (input.fallback) interpreter.error(input.fallback->span, "an input has no default");
    if (!type) type = Type{DType::f32, {}};
    type->shape.insert(type->shape.begin(), kBatch);
    types.push_back(*type);
  }
  return types;
}

std::vector<OutputInfo> declared_outputs(Interpreter &interpreter, const ast::NetworkDecl &network) {
  std::vector<OutputInfo> outputs;
  for (const ast::NetworkOutput &output : network.outputs) {
    OutputInfo info;
    bool several = network.outputs.size() > 1;
    info.name = output.name ? output.name->text : several ? fmt::format("output_{}", outputs.size()) : "output";
    if (output.type.name.text == "class") {
      info.is_class = true;
      if (output.type.shape.size() != 1) {
        interpreter.error(output.type.span, "a class has one number: how many classes there are", "class[10]");
      } else {
        Span span = output.type.shape[0]->span;
        info.classes =
            interpreter.as_integer(interpreter.evaluate(*output.type.shape[0]), span, "the number of classes")
                .value_or(2);
        if (info.classes < 2)
          interpreter.error(span, fmt::format("there are at least 2 classes, got {}", info.classes));
      }
    } else if (auto type = interpreter.type_of(output.type)) {
      info.type = *type;
      info.type.shape.insert(info.type.shape.begin(), kBatch);
    }
    outputs.push_back(std::move(info));
  }
  if (outputs.empty()) interpreter.error(network.name.span, "a network has at least one output");
  return outputs;
}

namespace {

// Whether a tensor of `type` is what the network promises; fills the types of `info`.
bool check_output(Interpreter &in, const ast::NetworkOutput &declared, const TensorValue &tensor, OutputInfo &info) {
  const Type &type = in.function()->builder.type(tensor.id);
  auto wrong = [&](const std::string &promised, const std::string &help) {
    Diagnostic &diagnostic = in.report(
        declared.type.span, fmt::format("the network promises {}, its last step gives {}", promised, type_text(type)));
    if (std::string chain = chain_text(tensor.step.get()); !chain.empty()) diagnostic.note(chain);
    if (!help.empty()) diagnostic.help(help);
    return false;
  };
  if (!info.is_class) {
    if (type != info.type) return wrong(type_text(info.type), "");
    info.target = type;
    return true;
  }
  bool fits = type.rank() >= 2 && type.dtype == DType::f32 && type.shape[0] == kBatch &&
              (type.shape.back().size == info.classes || (info.classes == 2 && type.shape.back().is_one()));
  if (!fits)
    return wrong(fmt::format("class[{}]", info.classes), type.rank() > 2
                                                             ? fmt::format("-> flatten -> dense({})", info.classes)
                                                             : fmt::format("end in dense({})", info.classes));
  info.type = type;
  info.target = Type{DType::i32, Shape(type.shape.begin(), type.shape.end() - 1)};
  return true;
}

// The values the body gives: its last value, a list of them, or what is bound to the names of the outputs.
std::optional<std::vector<Datum>> body_values(Interpreter &in, const ast::NetworkDecl &network, Datum value) {
  if (is_poison(value)) return std::nullopt;
  if (value.is<None>()) {
    std::vector<Datum> values;
    for (const ast::NetworkOutput &output : network.outputs) {
      Binding *binding = output.name ? in.scope().find(output.name->text) : nullptr;
      if (!binding) {
        in.error(network.name.span, "the network has no value: its last statement must be one",
                 "write x -> dense(10) last, not y = x -> dense(10)");
        return std::nullopt;
      }
      in.session().used.insert({binding->span.file, binding->span.begin});
      values.push_back(binding->value);
    }
    return values;
  }
  if (const auto *items = value.as<Items>()) return **items;
  return std::vector<Datum>{std::move(value)};
}

}  // namespace

std::optional<std::vector<TensorValue>> run_network(Interpreter &in, const ast::NetworkDecl &network,
                                                    const std::vector<Type> &inputs, std::vector<OutputInfo> &outputs) {
  Frame frame;
  frame.name = network.name.text;
  frame.user_code = true;
  return in.with_frame(std::move(frame), [&]() -> std::optional<std::vector<TensorValue>> {
    for (size_t i = 0; i < network.inputs.size(); ++i) {
      const ast::Identifier &name = network.inputs[i].name;
      ValueId id = in.function()->builder.argument(name.text, inputs[i]);
      in.define(name, TensorValue{id, std::make_shared<const Step>(Step{name.text, inputs[i], nullptr})}, "input");
    }
    auto values = body_values(in, network, in.run(network.body));
    if (!values) return std::nullopt;
    if (values->size() != network.outputs.size()) {
      in.error(network.name.span,
               fmt::format("the network promises {} outputs and gives {}", network.outputs.size(), values->size()));
      return std::nullopt;
    }
    std::vector<TensorValue> results;
    bool sound = true;
    for (size_t i = 0; i < values->size(); ++i) {
      const ast::NetworkOutput &declared = network.outputs[i];
      const auto *tensor = (*values)[i].as<TensorValue>();
      if (!tensor) {
        in.as_tensor((*values)[i], declared.type.span, "the value of the network");
        return std::nullopt;
      }
      sound &= check_output(in, declared, *tensor, outputs[i]);
      results.push_back(*tensor);
    }
    return sound ? std::optional(results) : std::nullopt;
  });
}

}  // namespace netc::elaborate
