#include "codegen/reduce_plan.h"

#include <algorithm>
#include <array>
#include <bit>

namespace netc {
namespace {

Reduction kind_of(const Op &op) {
  if (op.def->name == "reduce_max") return Reduction::maximum;
  if (op.def->name == "reduce_min") return Reduction::minimum;
  return Reduction::sum;
}

}  // namespace

ReducePlan make_reduce_plan(const OpTask &task) {
  ReducePlan plan;
  plan.task = &task;
  std::vector<int64_t> axes;
  bool keep_dims = false;
  for (const Op &op : task.body.ops) {
    if (op.def->op_class != OpClass::reduction) continue;
    axes = op.get<std::vector<int64_t>>("axes");
    keep_dims = op.get<bool>("keep_dims");
  }
  for (size_t n = 0; n < task.body.results.size(); ++n) {
    ValueId result = task.body.results[n];
    auto reduction = std::ranges::find_if(
        task.body.ops, [&](const Op &op) { return op.def->op_class == OpClass::reduction && op.results[0] == result; });
    if (reduction == task.body.ops.end())
      plan.streamed.push_back(n);
    else
      plan.ends.push_back({kind_of(*reduction), reduction->operands[0], n, task.body.type(result).dtype});
  }
  std::vector<ValueLayout> operands, results;
  for (const Storage &storage : task.operands) operands.push_back(storage.layout);
  for (const Storage &storage : task.results) results.push_back(storage.layout);
  plan.space = make_space(task.body, operands, results, axes, keep_dims);
  size_t count = plan.space.axes.size();
  plan.lanes = lanes_for(task.body, *task.target);
  if (count > 0) {
    plan.vector_axis = count - 1;
    plan.vector_reduced = plan.space.reduced.back();
    // A short row is one narrow vector.
    Dim last = plan.space.axes.back();
    if (!last.batch && last.size < plan.lanes)
      plan.lanes = std::max(2u, std::bit_ceil(static_cast<unsigned>(last.size)));
    if (!task.target->masked_memory && !last.batch && last.size < plan.lanes && plan.vector_reduced) plan.lanes = 2;
  }
  for (size_t axis = 0; axis + 1 < count; ++axis) (plan.space.reduced[axis] ? plan.reduced : plan.kept).push_back(axis);
  for (size_t axis = 0; axis < count; ++axis)
    if (!plan.space.reduced[axis]) plan.kept_elements = product(std::array{plan.kept_elements, plan.space.axes[axis]});
  return plan;
}

}  // namespace netc
