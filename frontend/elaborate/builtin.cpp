// Helpers `.net` code may call that are no ops. Each is described in docs/language.md.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "frontend/elaborate/functions.h"
#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {
namespace {

using Operands = std::vector<Operand>;

const Items *list_of(Interpreter &in, const Operand &operand, const char *name) {
  const auto *items = operand.value.as<Items>();
  if (!items) in.error(operand.span, fmt::format("{} needs a list, got {}", name, in.describe(operand.value)));
  return items;
}

Datum length(Interpreter &in, const Operands &operands, Span) {
  const Items *items = list_of(in, operands[0], "length");
  return items ? make_integer(static_cast<int64_t>((*items)->size())) : Datum(Poison{});
}

Datum append(Interpreter &in, const Operands &operands, Span span) {
  return in.binary("add", operands[0].value, make_list({operands[1].value}), span);
}

// take(list, begin, end): the entries begin ..< end; a negative end counts from the back.
Datum take(Interpreter &in, const Operands &operands, Span span) {
  const Items *items = list_of(in, operands[0], "take");
  if (!items) return Poison{};
  auto begin = in.as_integer(operands[1].value, operands[1].span, "begin");
  auto end = in.as_integer(operands[2].value, operands[2].span, "end");
  if (!begin || !end) return Poison{};
  auto size = static_cast<int64_t>((*items)->size());
  int64_t first = *begin < 0 ? *begin + size : *begin, last = *end < 0 ? *end + size : *end;
  if (first < 0 || last > size || first > last) return in.error(span, "take reaches outside of the list");
  return make_list(std::vector<Datum>((*items)->begin() + first, (*items)->begin() + last));
}

template <typename Combine>
Datum over_list(Interpreter &in, const Operands &operands, double start, Combine combine) {
  const Items *items = list_of(in, operands[0], "this");
  if (!items) return Poison{};
  double total = start;
  bool integer = true;
  for (const Datum &item : **items) {
    auto value = in.as_real(item, operands[0].span, "an entry");
    if (!value) return Poison{};
    total = combine(total, *value);
    integer &= *value == std::floor(*value);
  }
  return make_number(total, integer);
}
Datum sum(Interpreter &in, const Operands &operands, Span) {
  return over_list(in, operands, 0, [](double a, double b) { return a + b; });
}
Datum product(Interpreter &in, const Operands &operands, Span) {
  return over_list(in, operands, 1, [](double a, double b) { return a * b; });
}

// pair(3) and pair([3, 3]) are [3, 3].
Datum pair(Interpreter &in, const Operands &operands, Span span) {
  const Datum &value = operands[0].value;
  const auto *items = value.as<Items>();
  if (items && (*items)->size() == 2) return value;
  if (items) return in.error(span, fmt::format("one or two numbers are needed, got {}", in.describe(value)));
  auto number = in.as_integer(value, operands[0].span, "the size");
  return number ? make_list({make_integer(*number), make_integer(*number)}) : Datum(Poison{});
}

// size(x): the elements of one sample of x.
Datum size(Interpreter &in, const Operands &operands, Span span) {
  auto id = in.as_tensor(operands[0].value, span, "the operand of size");
  if (!id) return Poison{};
  auto count = element_count(in.function()->builder.type(*id).shape);
  return make_integer(count->size);
}

Datum is_list(Interpreter &, const Operands &operands, Span) { return operands[0].value.is<Items>(); }
Datum is_tensor(Interpreter &, const Operands &operands, Span) { return operands[0].value.is<TensorValue>(); }
Datum is_block(Interpreter &, const Operands &operands, Span) { return operands[0].value.is<CallablePtr>(); }
Datum is_number(Interpreter &, const Operands &operands, Span) { return operands[0].value.is<Number>(); }

// value_of(rate): the number as it is now, without fixing the params it depends on; for checks only.
Datum value_of(Interpreter &, const Operands &operands, Span) {
  const auto *number = operands[0].value.as<Number>();
  return number ? Datum(Number{number->value, number->integer, number->unit, nullptr}) : operands[0].value;
}

// same_padding(sizes, kernel_size, strides, dilation): [top, bottom, left, right] such that the result has
// ceil(size / stride) rows and columns; the odd row goes to the bottom, the odd column to the right, as in Keras.
Datum same_padding(Interpreter &in, const Operands &operands, Span span) {
  std::vector<std::vector<int64_t>> values;
  for (size_t i = 0; i < 4; ++i) {
    const Items *items = list_of(in, operands[i], "same_padding");
    if (!items) return Poison{};
    values.emplace_back();
    for (const Datum &item : **items) {
      auto number = in.as_integer(item, span, "an entry");
      if (!number) return Poison{};
      values.back().push_back(*number);
    }
    if (values.back().size() != values[0].size()) return in.error(span, "same_padding needs lists of one length");
  }
  std::vector<Datum> padding;
  for (size_t axis = 0; axis < values[0].size(); ++axis) {
    int64_t size = values[0][axis], stride = std::max<int64_t>(values[2][axis], 1);
    int64_t extent = (values[1][axis] - 1) * values[3][axis] + 1;
    int64_t total = std::max<int64_t>(((size + stride - 1) / stride - 1) * stride + extent - size, 0);
    padding.push_back(make_integer(total / 2));
    padding.push_back(make_integer(total - total / 2));
  }
  return make_list(std::move(padding));
}

// steps(500 steps), steps(5 epochs), steps(500): a number of steps; epochs are turned into steps when the program runs.
Datum steps(Interpreter &in, const Operands &operands, Span span) {
  const Datum &value = operands[0].value;
  if (value.is<TensorValue>()) return value;
  const auto *number = value.as<Number>();
  if (!number || !(number->unit.empty() || number->unit == "steps" || number->unit == "epochs"))
    return in.error(operands[0].span, fmt::format("expected a number of steps or epochs, got {}", in.describe(value)),
                    "write 500 steps or 5 epochs");
  Number plain{number->value, number->integer, "", number->symbol};
  if (number->unit != "epochs") return plain;
  return in.binary("multiply", plain, in.runtime_value("steps_per_epoch", span), span);
}

// with_default(block, "axis", [0, 1]): the block with this argument where the block has such a one and it is none.
Datum with_default(Interpreter &in, const Operands &operands, Span) {
  const auto *block = operands[0].value.as<CallablePtr>();
  const auto *name = operands[1].value.as<Text>();
  if (!block || !(*block)->block || !name) return operands[0].value;
  auto given = argument_of(in, **block, name->value);
  if (!given || !given->is<None>()) return operands[0].value;
  Callable result = **block;
  std::erase_if(result.arguments, [&](const BoundArgument &argument) { return argument.name == name->value; });
  result.arguments.push_back({name->value, operands[2].value, operands[2].span});
  return std::make_shared<const Callable>(std::move(result));
}

// weight_named("embedding"): in an optimizer, whether the name of the weight it updates contains the text.
Datum weight_named(Interpreter &in, const Operands &operands, Span) {
  const auto *text = operands[0].value.as<Text>();
  if (!text) return in.error(operands[0].span, fmt::format("expected a text, got {}", in.describe(operands[0].value)));
  return in.frame().suffix.find(text->value) != std::string::npos;
}

Datum add_penalty(Interpreter &in, const Operands &operands, Span span) {
  auto id = in.as_tensor(operands[0].value, span, "the penalty");
  if (!id) return Poison{};
  if (in.function()->builder.type(*id).rank() != 0) return in.error(span, "a penalty is a scalar");
  in.function()->penalties.push_back(*id);
  return None{};
}

// "got {x}" with the value of x in this block; the first tensor named gives the chain of shapes.
std::string interpolate(Interpreter &in, const std::string &text, std::shared_ptr<const Step> &step) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t end = text[i] == '{' ? text.find('}', i) : std::string::npos;
    Binding *binding = end == std::string::npos ? nullptr : in.scope().find(text.substr(i + 1, end - i - 1));
    if (!binding) {
      result += text[i];
      continue;
    }
    result += in.describe(binding->value);
    if (const auto *tensor = binding->value.as<TensorValue>(); tensor && !step) step = tensor->step;
    i = end;
  }
  return result;
}

// require(condition, "needs an image, got {x}", help = "..."): a check of a block's arguments.
Datum require(Interpreter &in, const Operands &operands, Span span) {
  auto condition = in.as_boolean(operands[0].value, operands[0].span, "the condition");
  if (!condition || *condition) return None{};
  std::shared_ptr<const Step> step;
  std::string message, help;
  for (const Operand &operand : operands) {
    const auto *text = operand.value.as<Text>();
    if (!text) continue;
    if (operand.name == "help")
      help = interpolate(in, text->value, step);
    else if (operand.name.empty())
      message = interpolate(in, text->value, step);
  }
  return in.fail_block(span, message, help, step.get());
}

constexpr Builtin kBuiltins[] = {
    {"add_penalty", 1, 1, add_penalty},
    {"append", 2, 2, append},
    {"is_block", 1, 1, is_block},
    {"is_list", 1, 1, is_list},
    {"is_number", 1, 1, is_number},
    {"is_tensor", 1, 1, is_tensor},
    {"length", 1, 1, length},
    {"pair", 1, 1, pair},
    {"product", 1, 1, product},
    {"require", 2, 2, require},
    {"same_padding", 4, 4, same_padding},
    {"size", 1, 1, size},
    {"steps", 1, 1, steps},
    {"sum", 1, 1, sum},
    {"take", 3, 3, take},
    {"value_of", 1, 1, value_of},
    {"weight_named", 1, 1, weight_named},
    {"with_default", 3, 3, with_default},
};

constexpr std::string_view kWords[] = {
    "same",
    "valid",
    "causal",
    "rows",
    "columns",
    "nearest",
    "bilinear",
    "fan_in",
    "fan_out",
    "fan_avg",
    "normal",
    "uniform",
    "untruncated_normal",
    "micro",
    "macro",
    "weighted",
    "roc",
    "pr",
    "f32",
    "f64",
    "bf16",
    "i32",
    "i64",
    "bool",
};

}  // namespace

const Builtin *find_builtin(std::string_view name) {
  for (const Builtin &builtin : kBuiltins)
    if (builtin.name == name) return &builtin;
  return nullptr;
}

std::vector<std::string> builtin_names() {
  std::vector<std::string> names;
  for (const Builtin &builtin : kBuiltins) names.emplace_back(builtin.name);
  return names;
}

bool is_word(std::string_view name) {
  return std::find(std::begin(kWords), std::end(kWords), name) != std::end(kWords);
}
std::vector<std::string> words() { return {std::begin(kWords), std::end(kWords)}; }

bool is_runtime_value(std::string_view name) {
  constexpr std::string_view names[] = {"step", "steps_per_epoch", "epochs", "total_steps", "learning_rate_scale"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace netc::elaborate
