#include "ir/samples.h"

#include <algorithm>

#include "ir/op.h"

namespace netc {

namespace {

bool has_batch(const Type &type) {
  return std::ranges::any_of(type.shape, [](const Dim &dim) { return dim.batch; });
}

// Along axis 0 and no other: row-major, the samples lie one after the other.
bool leads_with_samples(const Type &type) {
  return !type.shape.empty() && type.shape[0].batch &&
         std::none_of(type.shape.begin() + 1, type.shape.end(), [](const Dim &dim) { return dim.batch; });
}

bool body_keeps_apart(const Function &function);

// An op that reads samples: every result holds them as the operands do, which leaves out sums over them, joining and
// cutting along axis 0, and moving the axis.
bool op_keeps_apart(const Function &function, const Op &op) {
  auto of = [&](ValueId value) -> const Type & { return function.type(value); };
  if (op.def->name == "fused") return body_keeps_apart(*op.body);
  if (op.def->name == "write") return false;
  auto reads = std::ranges::count_if(op.operands, [&](ValueId operand) { return has_batch(of(operand)); });
  bool makes = std::ranges::any_of(op.results, [&](ValueId result) { return has_batch(of(result)); });
  if (reads == 0 && !makes) return true;
  // Made of nothing but the number of samples: the same for all of them, or counted or drawn through the batch.
  if (reads == 0) return op.def->name == "broadcast_to";
  Dim samples{1, true};
  for (ValueId operand : op.operands) {
    if (!has_batch(of(operand))) continue;
    if (!leads_with_samples(of(operand))) return false;
    samples = of(operand).shape[0];
  }
  auto holds_them = [&](ValueId value) { return leads_with_samples(of(value)) && of(value).shape[0] == samples; };
  if (op.def->op_class == OpClass::view)  // samples may become several rows each
    return std::ranges::all_of(op.results, [&](ValueId result) { return leads_with_samples(of(result)); });
  if (!std::ranges::all_of(op.results, holds_them)) return false;
  for (ValueId operand : op.operands)
    if (has_batch(of(operand)) && !holds_them(operand)) return false;
  const std::string_view name = op.def->name;
  if (name == "gather") return !has_batch(of(op.operands[0]));
  if (name == "reverse") return std::ranges::count(op.get<std::vector<int64_t>>("axes"), 0) == 0;
  if (op.def->op_class == OpClass::elementwise || op.def->op_class == OpClass::reduction) return true;
  // Of these the shapes say it all.
  static constexpr std::string_view kKnown[] = {
      "matmul",  "conv2d", "max_pool2d",  "average_pool2d", "pad",    "up_sampling2d", "transpose",
      "one_hot", "argmax", "concatenate", "slice",          "select", "broadcast_to"};
  return std::ranges::find(kKnown, name) != std::end(kKnown);
}

bool body_keeps_apart(const Function &function) {
  return std::ranges::all_of(function.ops, [&](const Op &op) { return op_keeps_apart(function, op); });
}

}  // namespace

bool keeps_samples_apart(const Function &function) {
  auto leads = [&](ValueId value) { return leads_with_samples(function.type(value)); };
  return !function.arguments.empty() && std::ranges::all_of(function.arguments, leads) &&
         std::ranges::all_of(function.results, leads) && body_keeps_apart(function);
}

}  // namespace netc
