// Ops as callables: operands by position, attributes by name, the random stream filled in.
#include <fmt/format.h>

#include <algorithm>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {

std::string op_alias(const std::string &name) {
  if (name == "ln") return "log";
  if (name == "max") return "maximum";
  if (name == "min") return "minimum";
  return name;
}

bool is_callable_op(std::string_view name) {
  constexpr std::string_view internal[] = {"read", "write", "runtime_value", "gradient", "fused"};
  return std::find(std::begin(internal), std::end(internal), name) == std::end(internal) && find_op(name);
}

// FNV-1a of the path of the block instance and the number of the random op in it: a stream stays the same when other
// parts of the file change, and is the same in every function.
uint32_t Interpreter::next_stream() {
  std::string key = fmt::format("{}{}#{}", frame_->path, frame_->suffix, frame_->draws++);
  uint32_t hash = 2166136261u;
  for (unsigned char c : key) hash = (hash ^ c) * 16777619u;
  hash &= 0x7fffffff;
  while (!function_->streams.insert(hash).second) hash = (hash + 1) & 0x7fffffff;
  return hash;
}

std::optional<Attribute> Interpreter::as_attribute(const AttributeDef &definition, const Datum &value, Span span) {
  std::string what(definition.name);
  switch (definition.kind) {
    case AttributeKind::boolean:
      if (auto flag = as_boolean(value, span, what)) return *flag;
      return std::nullopt;
    case AttributeKind::integer:
      if (auto number = as_integer(value, span, what)) return *number;
      return std::nullopt;
    case AttributeKind::real:
      if (auto number = as_real(value, span, what)) return *number;
      return std::nullopt;
    case AttributeKind::string:
      if (const auto *text = value.as<Text>()) return text->value;
      if (const auto *word = value.as<Word>()) return word->text;
      if (!is_poison(value)) error(span, fmt::format("{} must be a text, got {}", what, describe(value)));
      return std::nullopt;
    case AttributeKind::shape:
      if (auto shape = as_shape(value, span, what)) return *shape;
      return std::nullopt;
    case AttributeKind::integers:
    case AttributeKind::reals:
      break;
  }
  std::vector<Datum> items;
  if (const auto *list = value.as<Items>())
    items = **list;
  else
    items = {value};
  std::vector<int64_t> integers;
  std::vector<double> reals;
  for (const Datum &item : items) {
    if (definition.kind == AttributeKind::integers) {
      auto number = as_integer(item, span, what);
      if (!number) return std::nullopt;
      integers.push_back(*number);
    } else {
      auto number = as_real(item, span, what);
      if (!number) return std::nullopt;
      reals.push_back(*number);
    }
  }
  if (definition.kind == AttributeKind::integers) return integers;
  return reals;
}

Datum Interpreter::emit(std::string_view op, std::vector<ValueId> operands, Attributes attributes, Span span,
                        const Step *origin) {
  if (!function_) return error(span, fmt::format("{} needs a tensor, and there is none here", op));
  if (session_.stopped) return Poison{};
  if (++session_.ops > kMaxOps) {
    session_.stopped = true;
    return error(span, fmt::format("the file makes more than {} ops", kMaxOps));
  }
  set_location(span);
  auto results = function_->builder.try_emit(op, std::move(operands), std::move(attributes));
  if (results) return results->empty() ? Datum(None{}) : Datum(TensorValue{results->front(), nullptr});
  Diagnostic &diagnostic = report(span, results.error().message);
  if (std::string chain = chain_text(origin); !chain.empty()) diagnostic.note(chain);
  if (!results.error().help.empty()) diagnostic.help(results.error().help);
  return Poison{};
}

Datum Interpreter::emit_callable(const OpDef &op, std::vector<Operand> operands, Span span) {
  std::string name(op.name);
  std::vector<Operand> positional;
  for (const Operand &operand : operands)
    if (operand.name.empty()) positional.push_back(operand);
  // Numbers alone fold, a param among them stays a number that depends on it.
  bool numbers =
      !positional.empty() && folds(name) && positional.size() == operands.size() &&
      std::all_of(positional.begin(), positional.end(), [](const Operand &o) { return o.value.is<Number>(); });
  if (numbers && positional.size() == 1) return unary(name, positional[0].value, span);
  if (numbers && positional.size() >= 2 && op.operands.size() == 2) {
    Datum value = positional[0].value;
    for (size_t i = 1; i < positional.size(); ++i) value = binary(name, value, positional[i].value, span);
    return value;
  }
  if (positional.size() == 1 && op.operands.size() == 1 && op.operands[0].variadic)
    if (const auto *items = positional[0].value.as<Items>()) {
      Items held = *items;
      Span at = positional[0].span;
      positional.clear();
      for (const Datum &item : *held) positional.push_back({"", item, at});
    }
  bool variadic = !op.operands.empty() && op.operands.back().variadic;
  if (variadic ? positional.size() + 1 < op.operands.size() : positional.size() != op.operands.size())
    return error(span, fmt::format("{} takes {} operands, got {}", name, op.operands.size(), positional.size()),
                 op.attributes.empty() ? "" : "attributes are given by name");
  Attributes attributes;
  bool sound = true;
  for (const Operand &operand : operands) {
    if (operand.name.empty()) continue;
    auto it = std::find_if(op.attributes.begin(), op.attributes.end(),
                           [&](const AttributeDef &a) { return a.name == operand.name; });
    if (it == op.attributes.end()) {
      std::vector<std::string> names;
      for (const AttributeDef &attribute : op.attributes) names.emplace_back(attribute.name);
      std::string near = nearest_name(operand.name, names);
      error(operand.span, fmt::format("{} has no attribute {}", name, operand.name),
            near.empty() ? "" : "did you mean " + near + "?");
      sound = false;
    } else if (auto value = as_attribute(*it, operand.value, operand.span)) {
      attributes[operand.name] = std::move(*value);
    } else {
      sound = false;
    }
  }
  if (!sound || !function_)
    return sound ? error(span, name + " needs a tensor, and there is none here") : Datum(Poison{});
  for (const AttributeDef &attribute : op.attributes)
    if (attribute.name == "stream" && !attributes.count("stream")) attributes["stream"] = int64_t{next_stream()};
  DType dtype = DType::f32;
  std::shared_ptr<const Step> step;
  for (const Operand &operand : positional)
    if (const auto *tensor = operand.value.as<TensorValue>()) {
      DType own = function_->builder.type(tensor->id).dtype;
      if (!step) step = tensor->step;
      if (own != DType::boolean) {
        dtype = own;
        break;
      }
    }
  std::vector<ValueId> ids;
  for (size_t i = 0; i < positional.size(); ++i) {
    auto id = as_tensor(positional[i].value, positional[i].span, fmt::format("operand {} of {}", i + 1, name), dtype);
    if (!id) return Poison{};
    ids.push_back(*id);
  }
  Datum result = emit(name, std::move(ids), std::move(attributes), span, step.get());
  if (const auto *tensor = result.as<TensorValue>()) return TensorValue{tensor->id, step};
  return result;
}

}  // namespace netc::elaborate
