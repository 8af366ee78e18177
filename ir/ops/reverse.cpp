#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  const Type &x = c.operands[0];
  const auto &axes = c.get<Integers>("axes");
  NETC_TRY(axis_flags("reverse", axes, x));
  for (int64_t axis : axes)
    if (x.shape[axis].batch)
      return fail(fmt::format("reverse: the batch axis {} of {} cannot be turned round", axis, to_string(x)));
  return one(x);
}

void gradient(GradientContext &g) { g.add(0, emit::reverse(g.builder, g.dy(), g.op.get<Integers>("axes"))); }

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  std::vector<int64_t> strides = row_major_strides(x.sizes);
  int64_t first = 0;
  for (int64_t axis : c.get<Integers>("axes")) {
    first += (x.sizes[axis] - 1) * strides[axis];
    strides[axis] = -strides[axis];
  }
  size_t i = 0;
  for_each_index(x.sizes, [&](const std::vector<int64_t> &index) {
    c.results[0].data[i++] = x.data[first + offset_of(index, strides)];
  });
}

Scalar pull(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  std::vector<Index> place(index.begin(), index.end());
  for (int64_t axis : op.get<Integers>("axes"))
    place[axis] = k.add(k.scale(index[axis], -1), k.index(k.operand_type(0).shape[axis].size - 1));
  return k.load(0, place);
}

}  // namespace

std::vector<OpDef> reverse_ops() {
  return {{.name = "reverse",
           .op_class = OpClass::kernel,
           .doc = "`x` turned round along some axes, never the batch.",
           .operands = {{"x", "any"}},
           .attributes = {{"axes", AttributeKind::integers, "which"}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .pull = pull}};
}

}  // namespace netc::ops
