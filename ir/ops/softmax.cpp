// softmax and its logarithm.
#include <cmath>

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using std::vector;

Types infer(const InferContext &c) {
  NETC_TRY(need_float(c.op, c.operands[0]));
  NETC_TRY(need_axis(c.op, c.get<int64_t>("axis"), c.operands[0]));
  return one(c.operands[0]);
}

// dx = y (dy - sum(y dy))
void softmax_gradient(GradientContext &g) {
  Builder &b = g.builder;
  ValueId weighted = emit::multiply(b, g.y(), g.dy());
  ValueId sum = emit::reduce_sum(b, weighted, {g.op.get<int64_t>("axis")}, true);
  g.add(0, emit::subtract(b, weighted, emit::multiply(b, g.y(), sum)));
}
// dx = dy - softmax(x) sum(dy)
void log_softmax_gradient(GradientContext &g) {
  Builder &b = g.builder;
  ValueId sum = emit::reduce_sum(b, g.dy(), {g.op.get<int64_t>("axis")}, true);
  g.add(0, emit::subtract(b, g.dy(), emit::multiply(b, emit::exp(b, g.y()), sum)));
}

// The largest element is taken off first, so that no exponential overflows.
ValueId shifted(Builder &b, const Op &op) {
  ValueId largest = emit::reduce_max(b, op.operands[0], {op.get<int64_t>("axis")}, true);
  return emit::subtract(b, op.operands[0], largest);
}
vector<ValueId> decompose_softmax(Builder &b, const Op &op, Mode) {
  ValueId power = emit::exp(b, shifted(b, op));
  ValueId sum = emit::reduce_sum(b, power, {op.get<int64_t>("axis")}, true);
  return {emit::divide(b, power, sum)};
}
vector<ValueId> decompose_log_softmax(Builder &b, const Op &op, Mode) {
  ValueId x = shifted(b, op);
  ValueId sum = emit::reduce_sum(b, emit::exp(b, x), {op.get<int64_t>("axis")}, true);
  return {emit::subtract(b, x, emit::log(b, sum))};
}

template <bool logarithm>
void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  auto axis = static_cast<size_t>(c.get<int64_t>("axis"));
  vector<int64_t> strides = row_major_strides(x.sizes), outer = x.sizes;
  outer[axis] = 1;
  for_each_index(outer, [&](const vector<int64_t> &index) {
    int64_t first = offset_of(index, strides), step = strides[axis];
    double largest = x.data[first], sum = 0;
    for (int64_t i = 1; i < x.sizes[axis]; ++i) largest = std::max(largest, x.data[first + i * step]);
    for (int64_t i = 0; i < x.sizes[axis]; ++i) sum += std::exp(x.data[first + i * step] - largest);
    for (int64_t i = 0; i < x.sizes[axis]; ++i) {
      double z = x.data[first + i * step] - largest;
      c.results[0].data[first + i * step] = logarithm ? z - std::log(sum) : std::exp(z) / sum;
    }
  });
}

OpDef record(std::string_view name, std::string_view doc) {
  return {.name = name,
          .op_class = OpClass::composite,
          .doc = doc,
          .operands = {{"x", "scores"}},
          .attributes = {{"axis", AttributeKind::integer, "the axis of the classes", std::nullopt, 0}},
          .infer = infer};
}

}  // namespace

std::vector<OpDef> softmax_ops() {
  OpDef softmax = record("softmax", "`e^x / sum e^x` along an axis.");
  softmax.gradient = softmax_gradient;
  softmax.evaluate = evaluate<false>;
  softmax.decompose = decompose_softmax;
  OpDef log_softmax =
      record("log_softmax", "`x - log sum e^x` along an axis: the logarithm of `softmax`, exact where that is tiny.");
  log_softmax.gradient = log_softmax_gradient;
  log_softmax.evaluate = evaluate<true>;
  log_softmax.decompose = decompose_log_softmax;
  return {std::move(softmax), std::move(log_softmax)};
}

}  // namespace netc::ops
