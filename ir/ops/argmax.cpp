#include <cmath>

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  NETC_TRY(need_number("argmax", c.operands[0]));
  auto axis = c.get<int64_t>("axis");
  NETC_TRY(need_axis("argmax", axis, c.operands[0]));
  Shape shape = c.operands[0].shape;
  shape.erase(shape.begin() + axis);
  return one(DType::i32, std::move(shape));
}

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  auto axis = static_cast<size_t>(c.get<int64_t>("axis"));
  std::vector<int64_t> outer = x.sizes, strides = row_major_strides(x.sizes);
  outer[axis] = 1;
  size_t i = 0;
  for_each_index(outer, [&](const std::vector<int64_t> &index) {
    const double *row = x.data.data() + offset_of(index, strides);
    int64_t best = 0;
    for (int64_t j = 1; j < x.sizes[axis]; ++j)
      if (row[j * strides[axis]] > row[best * strides[axis]]) best = j;
    c.results[0].data[i++] = static_cast<double>(best);
  });
}

Scalar pull(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  auto axis = op.get<int64_t>("axis");
  std::vector<Index> place(index.begin(), index.end());
  place.insert(place.begin() + axis, Index{});
  Dim extent = k.operand_type(0).shape[axis];
  return k.reduce(Reduction::argmax, std::span(&extent, 1), [&](std::span<const Index> inner) {
    place[axis] = inner[0];
    return k.load(0, place);
  });
}

}  // namespace

std::vector<OpDef> argmax_ops() {
  return {{.name = "argmax",
           .op_class = OpClass::kernel,
           .doc = "The index of the largest element along an axis, the first of equals.",
           .operands = {{"x", "numbers"}},
           .attributes = {{"axis", AttributeKind::integer, "the axis that goes", std::nullopt, 0}},
           .infer = infer,
           .evaluate = evaluate,
           .pull = pull}};
}

}  // namespace netc::ops
