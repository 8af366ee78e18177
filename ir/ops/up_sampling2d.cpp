#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  NETC_TRY(need_image("up_sampling2d", c.operands[0]));
  const auto &size = c.get<Integers>("size");
  NETC_TRY(need_length("up_sampling2d", "size", size.size(), 2));
  Type type = c.operands[0];
  type.shape[1].size *= size[0];
  type.shape[2].size *= size[1];
  return one(std::move(type));
}

// [B, H, h, W, w, C]: each pixel's copies apart.
Shape split_shape(const Shape &x, int64_t h, int64_t w) { return {x[0], x[1], Dim{h}, x[2], Dim{w}, x[3]}; }

void gradient(GradientContext &g) {
  const auto &size = g.op.get<Integers>("size");
  ValueId split = emit::reshape(g.builder, g.dy(), split_shape(g.builder.type(g.x(0)).shape, size[0], size[1]));
  g.add(0, emit::reduce_sum(g.builder, split, {2, 4}));
}

std::vector<ValueId> decompose(Builder &b, const Op &op, Mode) {
  const auto &size = op.get<Integers>("size");
  const Shape shape = b.type(op.operands[0]).shape;
  ValueId split = emit::reshape(b, op.operands[0], split_shape(shape, 1, 1));
  ValueId copied = emit::broadcast_to(b, split, split_shape(shape, size[0], size[1]));
  return {emit::reshape(b, copied, {shape[0], Dim{shape[1].size * size[0]}, Dim{shape[2].size * size[1]}, shape[3]})};
}

void evaluate(EvaluateContext &c) {
  const auto &size = c.get<Integers>("size");
  std::vector<int64_t> strides = row_major_strides(c.operands[0]->sizes);
  size_t i = 0;
  for_each_index(c.results[0].sizes, [&](const std::vector<int64_t> &index) {
    std::vector<int64_t> place = {index[0], index[1] / size[0], index[2] / size[1], index[3]};
    c.results[0].data[i++] = c.operands[0]->data[offset_of(place, strides)];
  });
}

}  // namespace

std::vector<OpDef> up_sampling2d_ops() {
  return {{.name = "up_sampling2d",
           .op_class = OpClass::composite,
           .doc = "Each pixel repeated `size` times along height and width.",
           .operands = {{"x", "[B, H, W, C]"}},
           .attributes = {{"size", AttributeKind::integers, "[vertical, horizontal]", std::nullopt, 1, 1024}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .decompose = decompose}};
}

}  // namespace netc::ops
