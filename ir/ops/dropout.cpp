#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/random_helpers.h"
#include "ir/ops/registry.h"
#include "ir/philox.h"

namespace netc::ops {
namespace {

// An empty noise shape stands for that of x.
const Shape &noise_shape(const Op &op, const Shape &x) {
  const Shape &given = op.get<Shape>("noise_shape");
  return given.empty() ? x : given;
}

Types infer(const InferContext &c) {
  const Type &x = c.operands[0], &rate = c.operands[1];
  NETC_TRY(need_float("dropout", x));
  NETC_TRY(need_float("dropout", rate));
  if (rate.rank() != 0) return fail(fmt::format("dropout needs a scalar rate, got {}", to_string(rate)));
  const Shape &noise = c.get<Shape>("noise_shape");
  auto stretched = broadcast(x.shape, noise);
  if (!stretched || *stretched != x.shape)
    return fail(
        fmt::format("dropout: the noise shape {} does not stretch to {}", to_string(noise), to_string(x.shape)));
  return one(x);
}

void gradient(GradientContext &g) { g.add(0, g.builder.emit("dropout", {g.dy(), g.x(1)}, g.op.attributes)); }

std::vector<ValueId> decompose(Builder &b, const Op &op, Mode mode) {
  ValueId x = op.operands[0];
  if (mode == Mode::inference) return {x};
  const Type type = b.type(x);
  ValueId rate = emit::cast(b, op.operands[1], DType::f32);
  ValueId u =
      b.emit("random_uniform", {}, {{"shape", noise_shape(op, type.shape)}, {"stream", op.get<int64_t>("stream")}});
  ValueId kept = emit::reciprocal(b, emit::subtract(b, b.constant(1), rate));
  ValueId factor = emit::select(b, emit::greater_equal(b, u, rate), kept, b.constant(0));
  return {emit::multiply(b, x, emit::cast(b, factor, type.dtype))};
}

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  c.results[0].data = x.data;
  if (c.mode == Mode::inference) return;
  double rate = c.operands[1]->data[0];
  const Shape &given = c.get<Shape>("noise_shape");
  Tensor noise = Tensor::zeros(DType::f32, given.empty() ? x.sizes : sizes_at(given, c.batch));
  auto stream = static_cast<uint64_t>(c.get<int64_t>("stream"));
  for (size_t i = 0; i < noise.data.size(); ++i)
    noise.data[i] = philox_uniform(c.seed, stream, c.step, i) >= rate ? 1 / (1 - rate) : 0;
  std::vector<double> factors = stretched(noise, x.sizes);
  for (size_t i = 0; i < factors.size(); ++i) c.results[0].data[i] *= factors[i];
}

}  // namespace

std::vector<OpDef> dropout_ops() {
  return {{.name = "dropout",
           .op_class = OpClass::composite,
           .doc = "In training each element is 0 with probability `rate`, else `x / (1 - rate)`; in inference `x`. "
                  "Axes of size "
                  "one in `noise_shape` share their fate. The mask is drawn again for the gradient, not stored. "
                  "(Srivastava et al., \"Dropout\", JMLR 2014.)",
           .operands = {{"x", "any shape"}, {"rate", "a scalar in [0, 1)"}},
           .attributes = {stream_attribute(),
                          {"noise_shape", AttributeKind::shape, "stretches to the shape of `x`; empty: that shape",
                           Attribute{Shape{}}}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .decompose = decompose}};
}

}  // namespace netc::ops
