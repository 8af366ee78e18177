#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/reduction_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  NETC_TRY(need_float("reduce_mean", c.operands[0]));
  return infer_reduction(c);
}

// sum * (1 / how many went into each mean); the number is a constant unless the batch is among the axes.
ValueId divided_by_count(Builder &b, ValueId sum, ValueId x, const std::vector<int64_t> &axes) {
  Dim count;
  for (int64_t axis : axes) {
    Dim dim = b.type(x).shape[axis];
    count = {count.size * dim.size, count.batch || dim.batch};
  }
  if (!count.batch) return emit::scale(b, sum, 1.0 / static_cast<double>(count.size));
  ValueId size = b.emit("axis_size", {x}, {{"axes", axes}});
  return emit::divide(b, sum, emit::cast(b, size, b.type(sum).dtype));
}

std::vector<ValueId> decompose(Builder &b, const Op &op, Mode) {
  const auto &axes = op.get<std::vector<int64_t>>("axes");
  ValueId sum = emit::reduce_sum(b, op.operands[0], axes, op.get<bool>("keep_dims"));
  return {divided_by_count(b, sum, op.operands[0], axes)};
}

void gradient(GradientContext &g) {
  const Shape full = g.builder.type(g.x(0)).shape;
  const auto axes = g.op.get<std::vector<int64_t>>("axes");
  ValueId share = divided_by_count(g.builder, g.dy(), g.x(0), axes);
  g.add(0, emit::broadcast_to(g.builder, restore_axes(g.builder, share, full, axes), full));
}

void evaluate(EvaluateContext &c) {
  find_op("reduce_sum")->evaluate(c);
  double count = static_cast<double>(c.operands[0]->data.size()) / static_cast<double>(c.results[0].data.size());
  for (double &y : c.results[0].data) y /= count;
}

}  // namespace

std::vector<OpDef> reduce_mean_ops() {
  return {{.name = "reduce_mean",
           .op_class = OpClass::composite,
           .doc = "The mean over some axes.",
           .operands = {{"x", "floats of any shape"}},
           .attributes = reduction_attributes(),
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .decompose = decompose}};
}

}  // namespace netc::ops
