// reduce_sum, reduce_max, reduce_min: they differ in how two numbers become one, and in the gradient.
#include <cmath>
#include <limits>

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/reduction_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

template <auto combine>
void evaluate(EvaluateContext &c, double start) {
  const Tensor &x = *c.operands[0];
  std::vector<int64_t> kept = x.sizes;
  for (int64_t axis : c.get<std::vector<int64_t>>("axes")) kept[axis] = 1;
  std::vector<int64_t> strides = broadcast_strides(kept, x.sizes);
  std::vector<double> &y = c.results[0].data;
  std::fill(y.begin(), y.end(), start);
  size_t i = 0;
  for_each_index(x.sizes, [&](const std::vector<int64_t> &index) {
    double &target = y[offset_of(index, strides)];
    target = combine(target, x.data[i++]);
  });
}

double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }
double smaller(double a, double b) { return std::isnan(a) || a < b ? a : b; }

template <Reduction kind>
Scalar pull(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  const auto &axes = op.get<std::vector<int64_t>>("axes");
  bool keep_dims = op.get<bool>("keep_dims");
  const Shape shape = k.operand_type(0).shape;
  std::vector<Index> place(shape.size());
  std::vector<bool> reduced(shape.size(), false);
  for (int64_t axis : axes) reduced[axis] = true;
  std::vector<Dim> extents;
  size_t next = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (reduced[axis]) extents.push_back(shape[axis]);
    if (reduced[axis] && !keep_dims) continue;
    place[axis] = index[next++];
  }
  return k.reduce(kind, extents, [&](std::span<const Index> inner) {
    size_t i = 0;
    for (size_t axis = 0; axis < shape.size(); ++axis)
      if (reduced[axis]) place[axis] = inner[i++];
    return k.load(0, place);
  });
}

void sum_gradient(GradientContext &g) {
  const Shape full = g.builder.type(g.x(0)).shape;
  ValueId dy = restore_axes(g.builder, g.dy(), full, g.op.get<std::vector<int64_t>>("axes"));
  g.add(0, emit::broadcast_to(g.builder, dy, full));
}
// To the elements that equal the extreme, in equal parts.
void extreme_gradient(GradientContext &g) {
  Builder &b = g.builder;
  const auto axes = g.op.get<std::vector<int64_t>>("axes");
  const Type full = b.type(g.x(0));
  ValueId hit = emit::equal(b, g.x(0), restore_axes(b, g.y(), full.shape, axes));
  ValueId share = emit::cast(b, hit, full.dtype);
  ValueId hits = emit::reduce_sum(b, share, axes, true);
  ValueId part = emit::divide(b, restore_axes(b, g.dy(), full.shape, axes), hits);
  g.add(0, emit::multiply(b, share, part));
}

OpDef reduction(std::string_view name, std::string_view doc) {
  return {.name = name,
          .op_class = OpClass::reduction,
          .doc = doc,
          .operands = {{"x", "numbers of any shape"}},
          .attributes = reduction_attributes(),
          .infer = infer_reduction};
}

}  // namespace

std::vector<AttributeDef> reduction_attributes() {
  return {{"axes", AttributeKind::integers, "the axes that go, each once"},
          {"keep_dims", AttributeKind::boolean, "keep them with size one", Attribute{false}}};
}

Types infer_reduction(const InferContext &c) {
  NETC_TRY(need_number(c.op, c.operands[0]));
  auto flags = axis_flags(c.op, c.get<std::vector<int64_t>>("axes"), c.operands[0]);
  if (!flags) return tl::unexpected(flags.error());
  Shape shape;
  for (size_t i = 0; i < flags->size(); ++i) {
    if (!(*flags)[i]) shape.push_back(c.operands[0].shape[i]);
    if ((*flags)[i] && c.get<bool>("keep_dims")) shape.push_back(Dim{});
  }
  return one(c.operands[0].dtype, std::move(shape));
}

std::vector<OpDef> reduction_ops() {
  OpDef sum = reduction("reduce_sum", "The sum over some axes.");
  sum.gradient = sum_gradient;
  sum.evaluate = [](EvaluateContext &c) { evaluate<[](double a, double b) { return a + b; }>(c, 0); };
  sum.pull = pull<Reduction::sum>;
  OpDef maximum = reduction(
      "reduce_max", "The largest element over some axes. Its gradient goes to the largest ones in equal parts.");
  maximum.gradient = extreme_gradient;
  maximum.evaluate = [](EvaluateContext &c) { evaluate<larger>(c, -std::numeric_limits<double>::infinity()); };
  maximum.pull = pull<Reduction::maximum>;
  OpDef minimum = reduction(
      "reduce_min", "The smallest element over some axes. Its gradient goes to the smallest ones in equal parts.");
  minimum.gradient = extreme_gradient;
  minimum.evaluate = [](EvaluateContext &c) { evaluate<smaller>(c, std::numeric_limits<double>::infinity()); };
  minimum.pull = pull<Reduction::minimum>;
  return {std::move(sum), std::move(maximum), std::move(minimum)};
}

}  // namespace netc::ops
