// y = f(x), element by element: one row a function, with its formula, its gradient and its lowering.
#include <cmath>
#include <numbers>

#include "ir/ops/elementwise_helpers.h"
#include "ir/ops/erf_inv.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

using emit::constant_like;
using emit::divide;
using emit::multiply;
using emit::offset;
using emit::scale;
using emit::select;

using Element = Scalar (*)(KernelBuilder &, const Op &, std::span<const Scalar>);
using Gradient = void (*)(GradientContext &);
using Infer = Types (*)(const InferContext &);

template <auto formula>
OpDef function(std::string_view name, std::string_view doc, Infer infer, Element element, Gradient gradient) {
  return {.name = name,
          .op_class = OpClass::elementwise,
          .doc = doc,
          .operands = {{"x", "any shape"}},
          .infer = infer,
          .gradient = gradient,
          .evaluate = evaluate_unary<formula>,
          .element = element};
}
template <auto formula, Unary kind>
OpDef of_floats(std::string_view name, std::string_view doc, Gradient gradient) {
  return function<formula>(name, doc, infer_same_float, element_unary<kind>, gradient);
}
template <auto formula, Unary kind>
OpDef of_numbers(std::string_view name, std::string_view doc, Gradient gradient) {
  return function<formula>(name, doc, infer_same_number, element_unary<kind>, gradient);
}

double sign_of(double x) { return std::isnan(x) ? x : (x > 0) - (x < 0); }

Types infer_is_nan(const InferContext &c) {
  NETC_TRY(need_float(c.op, c.operands[0]));
  return one(DType::boolean, c.operands[0].shape);
}
Scalar element_square(KernelBuilder &k, const Op &, std::span<const Scalar> x) {
  return k.binary(Binary::multiply, x[0], x[0]);
}
Scalar element_same(KernelBuilder &, const Op &, std::span<const Scalar> x) { return x[0]; }
// NaN compares false and so passes through.
Scalar element_relu(KernelBuilder &k, const Op &, std::span<const Scalar> x) {
  Scalar zero = k.constant(k.dtype(x[0]), 0);
  return k.select(k.binary(Binary::less, x[0], zero), zero, x[0]);
}

}  // namespace

std::vector<OpDef> unary_ops() {
  constexpr double two_over_sqrt_pi = 2 * std::numbers::inv_sqrtpi;
  return {
      of_numbers<[](double x) { return -x; }, Unary::negative>(
          "negative", "`-x`", [](GradientContext &g) { g.add(0, emit::negative(g.builder, g.dy())); }),
      of_numbers<[](double x) { return std::abs(x); }, Unary::absolute>(
          "abs", "The magnitude of `x`; gradient 0 at 0.",
          [](GradientContext &g) { g.add(0, multiply(g.builder, g.dy(), emit::sign(g.builder, g.x(0)))); }),
      of_numbers<sign_of, Unary::sign>("sign", "-1, 0 or 1; NaN stays NaN.", nullptr),
      of_floats<[](double x) { return std::exp(x); }, Unary::exp>(
          "exp", "`e^x`", [](GradientContext &g) { g.add(0, multiply(g.builder, g.dy(), g.y())); }),
      of_floats<[](double x) { return std::expm1(x); }, Unary::expm1>(
          "expm1", "`e^x - 1`, exact near 0.",
          [](GradientContext &g) { g.add(0, multiply(g.builder, g.dy(), offset(g.builder, g.y(), 1))); }),
      of_floats<[](double x) { return std::log(x); }, Unary::log>(
          "log", "The natural logarithm.", [](GradientContext &g) { g.add(0, divide(g.builder, g.dy(), g.x(0))); }),
      of_floats<[](double x) { return std::log1p(x); }, Unary::log1p>(
          "log1p", "`log(1 + x)`, exact near 0.",
          [](GradientContext &g) { g.add(0, divide(g.builder, g.dy(), offset(g.builder, g.x(0), 1))); }),
      of_floats<[](double x) { return std::sqrt(x); }, Unary::sqrt>(
          "sqrt", "The square root.",
          [](GradientContext &g) { g.add(0, divide(g.builder, scale(g.builder, g.dy(), 0.5), g.y())); }),
      of_floats<[](double x) { return 1 / std::sqrt(x); }, Unary::rsqrt>(
          "rsqrt", "`1 / sqrt(x)`",
          [](GradientContext &g) {
            ValueId cube = multiply(g.builder, emit::square(g.builder, g.y()), g.y());
            g.add(0, multiply(g.builder, g.dy(), scale(g.builder, cube, -0.5)));
          }),
      of_floats<[](double x) { return 1 / x; }, Unary::reciprocal>("reciprocal", "`1 / x`",
                                                                   [](GradientContext &g) {
                                                                     ValueId slope = emit::negative(
                                                                         g.builder, emit::square(g.builder, g.y()));
                                                                     g.add(0, multiply(g.builder, g.dy(), slope));
                                                                   }),
      function<[](double x) { return x * x; }>(
          "square", "`x * x`", infer_same_number, element_square,
          [](GradientContext &g) { g.add(0, multiply(g.builder, g.dy(), scale(g.builder, g.x(0), 2))); }),
      of_floats<[](double x) { return std::sin(x); }, Unary::sin>(
          "sin", "The sine, `x` in radians.",
          [](GradientContext &g) { g.add(0, multiply(g.builder, g.dy(), emit::cos(g.builder, g.x(0)))); }),
      of_floats<[](double x) { return std::cos(x); }, Unary::cos>(
          "cos", "The cosine, `x` in radians.",
          [](GradientContext &g) {
            g.add(0, multiply(g.builder, g.dy(), emit::negative(g.builder, emit::sin(g.builder, g.x(0)))));
          }),
      of_floats<[](double x) { return std::tanh(x); }, Unary::tanh>(
          "tanh", "The hyperbolic tangent. Gradient: `1 - y^2`.",
          [](GradientContext &g) {
            ValueId slope =
                emit::subtract(g.builder, constant_like(g.builder, g.y(), 1), emit::square(g.builder, g.y()));
            g.add(0, multiply(g.builder, g.dy(), slope));
          }),
      of_floats<[](double x) { return 1 / (1 + std::exp(-x)); }, Unary::sigmoid>(
          "sigmoid", "`1 / (1 + e^-x)`. Gradient: `y (1 - y)`.",
          [](GradientContext &g) {
            ValueId rest = emit::subtract(g.builder, constant_like(g.builder, g.y(), 1), g.y());
            g.add(0, multiply(g.builder, g.dy(), multiply(g.builder, g.y(), rest)));
          }),
      function<[](double x) { return x < 0 ? 0.0 : x; }>(
          "relu", "`max(x, 0)`; NaN stays NaN. Gradient: `dy` where `y > 0`, so that `x` need not be kept.",
          infer_same_number, element_relu,
          [](GradientContext &g) {
            ValueId zero = constant_like(g.builder, g.y(), 0);
            g.add(0, select(g.builder, emit::greater(g.builder, g.y(), zero), g.dy(), zero));
          }),
      of_floats<[](double x) { return std::erf(x); }, Unary::erf>(
          "erf", "The error function.",
          [](GradientContext &g) {
            ValueId bell = emit::exp(g.builder, emit::negative(g.builder, emit::square(g.builder, g.x(0))));
            g.add(0, multiply(g.builder, g.dy(), scale(g.builder, bell, two_over_sqrt_pi)));
          }),
      of_floats<erf_inv, Unary::erf_inv>("erf_inv", "The inverse of `erf` on (-1, 1); infinite at its ends.",
                                         [](GradientContext &g) {
                                           ValueId bell = emit::exp(g.builder, emit::square(g.builder, g.y()));
                                           g.add(0, multiply(g.builder, g.dy(),
                                                             scale(g.builder, bell, 1 / two_over_sqrt_pi)));
                                         }),
      of_floats<[](double x) { return std::floor(x); }, Unary::floor>("floor", "The next integer below.", nullptr),
      of_floats<[](double x) { return std::ceil(x); }, Unary::ceil>("ceil", "The next integer above.", nullptr),
      of_floats<[](double x) { return std::nearbyint(x); }, Unary::round>(
          "round", "The nearest integer, halves to the even one.", nullptr),
      function<[](double x) { return x; }>("stop_gradient", "`x`, through which no gradient flows.", infer_same_number,
                                           element_same, nullptr),
      function<[](double x) { return std::isnan(x) ? 1.0 : 0.0; }>("is_nan", "True where `x` is not a number.",
                                                                   infer_is_nan, element_unary<Unary::is_nan>, nullptr),
  };
}

}  // namespace netc::ops
