#include <cmath>

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  const Type &x = c.operands[0];
  NETC_TRY(need_float("batch_norm", x));
  if (x.rank() < 2) return fail(fmt::format("batch_norm needs channels, got {}", to_string(x)));
  Type channels{x.dtype, {x.shape.back()}};
  constexpr std::string_view names[] = {"x", "gamma", "beta", "mean", "variance"};
  for (size_t i = 1; i < 5; ++i)
    if (c.operands[i] != channels)
      return fail(
          fmt::format("batch_norm: {} should be {}, got {}", names[i], to_string(channels), to_string(c.operands[i])));
  return one(x);
}

ValueId inverse_deviation(Builder &b, const Op &op) {
  return emit::rsqrt(b, emit::offset(b, op.operands[4], op.get<double>("epsilon")));
}

std::vector<ValueId> decompose(Builder &b, const Op &op, Mode) {
  ValueId centred = emit::subtract(b, op.operands[0], op.operands[3]);
  ValueId factor = emit::multiply(b, inverse_deviation(b, op), op.operands[1]);
  return {emit::add(b, emit::multiply(b, centred, factor), op.operands[2])};
}

// With z = (x - mean) s, s = 1 / sqrt(variance + epsilon): all five follow from the two sums dbeta = sum dy and
// dgamma = sum dy z. (Ioffe, Szegedy: "Batch normalization", 2015, with the statistics as operands of their own.)
void gradient(GradientContext &g) {
  Builder &b = g.builder;
  ValueId s = inverse_deviation(b, g.op);
  ValueId slope = emit::multiply(b, s, g.x(1));
  ValueId z = emit::multiply(b, emit::subtract(b, g.x(0), g.x(3)), s);
  const Shape channels = b.type(g.x(1)).shape;
  ValueId dbeta = sum_to(b, g.dy(), channels);
  ValueId dgamma = sum_to(b, emit::multiply(b, g.dy(), z), channels);
  g.add(0, emit::multiply(b, g.dy(), slope));
  g.add(1, dgamma);
  g.add(2, dbeta);
  g.add(3, emit::negative(b, emit::multiply(b, dbeta, slope)));
  g.add(4, emit::scale(b, emit::multiply(b, dgamma, emit::multiply(b, slope, s)), -0.5));
}

void evaluate(EvaluateContext &c) {
  const std::vector<double> &x = c.operands[0]->data;
  size_t channels = c.operands[1]->data.size();
  for (size_t i = 0; i < x.size(); ++i) {
    size_t j = i % channels;
    double gamma = c.operands[1]->data[j], beta = c.operands[2]->data[j];
    double mean = c.operands[3]->data[j], variance = c.operands[4]->data[j];
    c.results[0].data[i] = (x[i] - mean) / std::sqrt(variance + c.get<double>("epsilon")) * gamma + beta;
  }
}

}  // namespace

std::vector<OpDef> batch_norm_ops() {
  return {{.name = "batch_norm",
           .op_class = OpClass::composite,
           .doc = "`(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the last axis. Whose mean and variance "
                  "these are, "
                  "those of the batch or the moving ones, the caller decides.",
           .operands = {{"x", "[..., C]"}, {"gamma", "[C]"}, {"beta", "[C]"}, {"mean", "[C]"}, {"variance", "[C]"}},
           .attributes = {{"epsilon", AttributeKind::real, "keeps the root off 0", Attribute{1e-3}}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .decompose = decompose}};
}

}  // namespace netc::ops
