// y = f(a, b), element by element, with broadcasting: one row a function.
#include <cmath>

#include "ir/ops/elementwise_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

using emit::constant_like;
using emit::multiply;
using emit::select;

using Gradient = void (*)(GradientContext &);

Types infer(const InferContext &c) {
  NETC_TRY(need_number(c.op, c.operands[0]));
  auto type = broadcast_types(c);
  if (!type) return tl::unexpected(type.error());
  return one(std::move(*type));
}

template <auto formula, Binary kind>
OpDef function(std::string_view name, std::string_view doc, Gradient gradient) {
  return {.name = name,
          .op_class = OpClass::elementwise,
          .doc = doc,
          .operands = {{"a", "any shape"}, {"b", "a shape that broadcasts with that of `a`, of the same element type"}},
          .infer = infer,
          .gradient = gradient,
          .evaluate = evaluate_binary<formula>,
          .element = element_binary<kind>};
}

// dy goes to `a` where `condition`, else to `b`.
void add_selected(GradientContext &g, ValueId condition) {
  ValueId zero = constant_like(g.builder, g.dy(), 0);
  add_summed(g, 0, select(g.builder, condition, g.dy(), zero));
  add_summed(g, 1, select(g.builder, condition, zero, g.dy()));
}

void add_gradient(GradientContext &g) {
  add_summed(g, 0, g.dy());
  add_summed(g, 1, g.dy());
}
void subtract_gradient(GradientContext &g) {
  add_summed(g, 0, g.dy());
  add_summed(g, 1, emit::negative(g.builder, g.dy()));
}
void multiply_gradient(GradientContext &g) {
  add_summed(g, 0, multiply(g.builder, g.dy(), g.x(1)));
  add_summed(g, 1, multiply(g.builder, g.dy(), g.x(0)));
}
void divide_gradient(GradientContext &g) {
  ValueId da = emit::divide(g.builder, g.dy(), g.x(1));
  add_summed(g, 0, da);
  add_summed(g, 1, emit::negative(g.builder, multiply(g.builder, da, g.y())));
}
// da = dy b a^(b-1), and 0 where b is 0; db = dy y log(a), and 0 where a is not positive.
void power_gradient(GradientContext &g) {
  Builder &b = g.builder;
  ValueId zero = constant_like(b, g.dy(), 0), unit = constant_like(b, g.dy(), 1);
  ValueId slope = multiply(b, g.x(1), emit::power(b, g.x(0), emit::subtract(b, g.x(1), unit)));
  add_summed(g, 0, select(b, emit::equal(b, g.x(1), zero), zero, multiply(b, g.dy(), slope)));
  ValueId positive = emit::greater(b, g.x(0), zero);
  ValueId logarithm = emit::log(b, select(b, positive, g.x(0), unit));
  add_summed(g, 1, multiply(b, g.dy(), multiply(b, g.y(), logarithm)));
}
// r = a - b floor(a / b)
void remainder_gradient(GradientContext &g) {
  Builder &b = g.builder;
  add_summed(g, 0, g.dy());
  ValueId quotient = b.emit("floor", {emit::divide(b, g.x(0), g.x(1))});
  add_summed(g, 1, emit::negative(b, multiply(b, g.dy(), quotient)));
}

double remainder_of(double a, double b) {
  double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
Scalar element_remainder(KernelBuilder &k, const Op &, std::span<const Scalar> x) {
  Scalar zero = k.constant(k.dtype(x[0]), 0);
  Scalar r = k.binary(Binary::remainder, x[0], x[1]);
  Scalar signs_differ =
      k.binary(Binary::not_equal, k.binary(Binary::less, r, zero), k.binary(Binary::less, x[1], zero));
  Scalar wrong = k.binary(Binary::logical_and, k.binary(Binary::not_equal, r, zero), signs_differ);
  return k.select(wrong, k.binary(Binary::add, r, x[1]), r);
}

// The quotient of integers is cut off towards zero.
void evaluate_divide(EvaluateContext &c) {
  evaluate_binary<[](double a, double b) { return a / b; }>(c);
  if (is_integer(c.results[0].dtype))
    for (double &y : c.results[0].data) y = std::trunc(y);
}

double maximum_of(double a, double b) { return std::isnan(a) || a > b ? a : b; }
double minimum_of(double a, double b) { return std::isnan(a) || a < b ? a : b; }

}  // namespace

std::vector<OpDef> binary_ops() {
  std::vector<OpDef> ops = {
      function<[](double a, double b) { return a + b; }, Binary::add>("add", "`a + b`", add_gradient),
      function<[](double a, double b) { return a - b; }, Binary::subtract>("subtract", "`a - b`", subtract_gradient),
      function<[](double a, double b) { return a * b; }, Binary::multiply>("multiply", "`a * b`", multiply_gradient),
      function<[](double a, double b) { return a / b; }, Binary::divide>(
          "divide", "`a / b`; of integers cut off towards zero.", divide_gradient),
      function<[](double a, double b) { return std::pow(a, b); }, Binary::power>(
          "power", "`a ^ b`. Gradient with respect to `b` is 0 where `a <= 0`.", power_gradient),
      function<remainder_of, Binary::remainder>("remainder", "`a - b floor(a / b)`: has the sign of `b`.",
                                                remainder_gradient),
      function<maximum_of, Binary::maximum>(
          "maximum", "The larger one; NaN if either is. Gradient: to `a` where `a > b`, else to `b`.",
          [](GradientContext &g) { add_selected(g, emit::greater(g.builder, g.x(0), g.x(1))); }),
      function<minimum_of, Binary::minimum>(
          "minimum", "The smaller one; NaN if either is. Gradient: to `a` where `a < b`, else to `b`.",
          [](GradientContext &g) { add_selected(g, emit::less(g.builder, g.x(0), g.x(1))); }),
  };
  for (OpDef &op : ops) {
    if (op.name == "divide") op.evaluate = evaluate_divide;
    if (op.name == "remainder") op.element = element_remainder;
  }
  return ops;
}

}  // namespace netc::ops
