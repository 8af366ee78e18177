#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  const auto &permutation = c.get<Integers>("permutation");
  const Type &x = c.operands[0];
  if (permutation.size() != x.rank())
    return fail(
        fmt::format("transpose: the permutation has {} axes, {} has {}", permutation.size(), to_string(x), x.rank()));
  NETC_TRY(axis_flags("transpose", permutation, x));
  Shape shape;
  for (int64_t axis : permutation) shape.push_back(x.shape[axis]);
  return one(x.dtype, std::move(shape));
}

void gradient(GradientContext &g) {
  const auto &permutation = g.op.get<Integers>("permutation");
  Integers inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) inverse[permutation[i]] = static_cast<int64_t>(i);
  g.add(0, emit::transpose(g.builder, g.dy(), inverse));
}

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  std::vector<int64_t> strides = row_major_strides(x.sizes), permuted;
  for (int64_t axis : c.get<Integers>("permutation")) permuted.push_back(strides[axis]);
  size_t i = 0;
  for_each_index(c.results[0].sizes, [&](const std::vector<int64_t> &index) {
    c.results[0].data[i++] = x.data[offset_of(index, permuted)];
  });
}

Scalar pull(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  const auto &permutation = op.get<Integers>("permutation");
  std::vector<Index> place(index.size());
  for (size_t i = 0; i < index.size(); ++i) place[permutation[i]] = index[i];
  return k.load(0, place);
}

}  // namespace

std::vector<OpDef> transpose_ops() {
  return {{.name = "transpose",
           .op_class = OpClass::kernel,
           .doc = "Axis `i` of the result is axis `permutation[i]` of `x`.",
           .operands = {{"x", "any"}},
           .attributes = {{"permutation", AttributeKind::integers, "every axis once"}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .pull = pull}};
}

}  // namespace netc::ops
