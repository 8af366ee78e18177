#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  const Type &x = c.operands[0];
  const auto &begin = c.get<Integers>("begin"), &end = c.get<Integers>("end"), &strides = c.get<Integers>("strides");
  NETC_TRY(need_length("slice", "begin", begin.size(), x.rank()));
  NETC_TRY(need_length("slice", "end", end.size(), x.rank()));
  NETC_TRY(need_length("slice", "strides", strides.size(), x.rank()));
  Shape shape = x.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].batch) {
      if (begin[i] != 0 || end[i] != shape[i].size || strides[i] != 1)
        return fail(fmt::format("slice: the batch axis {} of {} cannot be cut", i, to_string(x)));
      continue;
    }
    if (begin[i] >= end[i] || end[i] > shape[i].size)
      return fail(fmt::format("slice: {} to {} is no part of axis {} of {}", begin[i], end[i], i, to_string(x)));
    shape[i].size = (end[i] - begin[i] - 1) / strides[i] + 1;
  }
  return one(x.dtype, std::move(shape));
}

// Puts strides - 1 zeros after each element of an axis: [n] to [n, 1] to [n, stride] to [n * stride].
ValueId spread_axis(Builder &b, ValueId x, size_t axis, int64_t stride) {
  Shape split = b.type(x).shape, merged = split;
  split.insert(split.begin() + static_cast<int64_t>(axis) + 1, Dim{});
  merged[axis].size *= stride;
  Integers low(split.size(), 0), high(split.size(), 0);
  high[axis + 1] = stride - 1;
  ValueId padded = b.emit("pad", {emit::reshape(b, x, split)}, {{"low", low}, {"high", high}});
  return emit::reshape(b, padded, merged);
}

void gradient(GradientContext &g) {
  Builder &b = g.builder;
  const auto &begin = g.op.get<Integers>("begin"), &strides = g.op.get<Integers>("strides");
  const Shape full = b.type(g.x(0)).shape, cut = b.type(g.dy()).shape;
  ValueId spread = g.dy();
  Integers crop_end, ones(full.size(), 1), zeros(full.size(), 0), high;
  bool strided = false;
  for (size_t i = 0; i < full.size(); ++i) {
    if (strides[i] > 1) spread = spread_axis(b, spread, i, strides[i]);
    strided = strided || strides[i] > 1;
    crop_end.push_back((cut[i].size - 1) * strides[i] + 1);  // the zeros after the last element go
    high.push_back(full[i].size - begin[i] - crop_end.back());
  }
  if (strided) spread = b.emit("slice", {spread}, {{"begin", zeros}, {"end", crop_end}, {"strides", ones}});
  g.add(0, b.emit("pad", {spread}, {{"low", begin}, {"high", high}}));
}

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  std::vector<int64_t> strides = row_major_strides(x.sizes);
  int64_t first = offset_of(c.get<Integers>("begin"), strides);
  for (size_t i = 0; i < strides.size(); ++i) strides[i] *= c.get<Integers>("strides")[i];
  size_t i = 0;
  for_each_index(c.results[0].sizes, [&](const std::vector<int64_t> &index) {
    c.results[0].data[i++] = x.data[first + offset_of(index, strides)];
  });
}

Scalar pull(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  const auto &begin = op.get<Integers>("begin"), &strides = op.get<Integers>("strides");
  std::vector<Index> place;
  for (size_t i = 0; i < index.size(); ++i) {
    Index scaled = strides[i] == 1 ? index[i] : k.scale(index[i], strides[i]);
    place.push_back(begin[i] == 0 ? scaled : k.add(scaled, k.index(begin[i])));
  }
  return k.load(0, place);
}

}  // namespace

std::vector<OpDef> slice_ops() {
  return {
      {.name = "slice",
       .op_class = OpClass::kernel,
       .doc =
           "Every `strides`-th element from `begin` up to but not including `end`, along each axis. A batch axis stays "
           "whole: begin 0, stride 1, end its factor (1 for `B`).",
       .operands = {{"x", "any"}},
       .attributes = {{"begin", AttributeKind::integers, "for each axis", std::nullopt, 0},
                      {"end", AttributeKind::integers, "for each axis", std::nullopt, 0},
                      {"strides", AttributeKind::integers, "for each axis", std::nullopt, 1}},
       .infer = infer,
       .gradient = gradient,
       .evaluate = evaluate,
       .pull = pull}};
}

}  // namespace netc::ops
