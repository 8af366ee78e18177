// Random numbers of a stream. A number depends on seed, stream, step and its place alone (ir/philox.h).
#include <cmath>
#include <numbers>

#include "ir/emit.h"
#include "ir/ops/erf_inv.h"
#include "ir/ops/random_helpers.h"
#include "ir/ops/registry.h"
#include "ir/philox.h"

namespace netc::ops {
namespace {

// erf(sqrt(2)): the share of the normal distribution within two standard deviations.
constexpr double kWithinTwo = 0.95449973610364158559943472566693;

Types infer(const InferContext &c) { return one(DType::f32, c.get<Shape>("shape")); }

template <double (*from_uniform)(double)>
void evaluate(EvaluateContext &c) {
  auto stream = static_cast<uint64_t>(c.get<int64_t>("stream"));
  for (size_t i = 0; i < c.results[0].data.size(); ++i)
    c.results[0].data[i] = from_uniform(philox_uniform(c.seed, stream, c.step, i));
}
double same(double u) { return u; }
double truncated_from_uniform(double u) { return std::numbers::sqrt2 * erf_inv((2 * u - 1) * kWithinTwo); }

// The row-major number of the element. The shape is the op's own: inside a fused op the builder knows only the
// kernel's.
Scalar pull_uniform(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  const Shape &shape = op.get<Shape>("shape");
  Index number = k.index(0);
  Dim stride;
  for (size_t i = shape.size(); i-- > 0;) {
    number = k.add(number, stride.is_one() ? index[i] : k.scale(index[i], stride));
    stride = {stride.size * shape[i].size, stride.batch || shape[i].batch};
  }
  return k.random_uniform(static_cast<uint64_t>(op.get<int64_t>("stream")), number);
}

ValueId signed_uniform(Builder &b, const Op &op) {
  ValueId u = b.emit("random_uniform", {}, op.attributes);
  return emit::offset(b, emit::scale(b, u, 2), -1);
}
std::vector<ValueId> decompose_normal(Builder &b, const Op &op, Mode) {
  ValueId u = signed_uniform(b, op);
  ValueId clamped = emit::maximum(b, u, emit::constant_like(b, u, -kNormalLimit));
  return {emit::scale(b, emit::erf_inv(b, clamped), std::numbers::sqrt2)};
}
std::vector<ValueId> decompose_truncated(Builder &b, const Op &op, Mode) {
  ValueId inner = emit::scale(b, signed_uniform(b, op), kWithinTwo);
  return {emit::scale(b, emit::erf_inv(b, inner), std::numbers::sqrt2)};
}

}  // namespace

double normal_from_uniform(double u) { return std::numbers::sqrt2 * erf_inv(std::max(2 * u - 1, -kNormalLimit)); }

std::vector<OpDef> random_ops() {
  return {
      {.name = "random_uniform",
       .op_class = OpClass::elementwise,
       .doc = "Uniform numbers in [0, 1), multiples of 2^-24.",
       .attributes = {random_shape_attribute(), stream_attribute()},
       .infer = infer,
       .evaluate = evaluate<same>,
       .pull = pull_uniform},
      {.name = "random_normal",
       .op_class = OpClass::composite,
       .doc = "Standard normal numbers: `sqrt(2) erf_inv(2u - 1)` of a uniform `u`.",
       .attributes = {random_shape_attribute(), stream_attribute()},
       .infer = infer,
       .evaluate = evaluate<normal_from_uniform>,
       .decompose = decompose_normal},
      {.name = "truncated_normal",
       .op_class = OpClass::composite,
       .doc = "Standard normal numbers given that they lie in [-2, 2]: `sqrt(2) erf_inv((2u - 1) erf(sqrt(2)))`.",
       .attributes = {random_shape_attribute(), stream_attribute()},
       .infer = infer,
       .evaluate = evaluate<truncated_from_uniform>,
       .decompose = decompose_truncated},
  };
}

}  // namespace netc::ops
