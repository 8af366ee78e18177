#include <cmath>

#include "ir/ops/elementwise_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

DType target(const Op &op) { return *dtype_from_name(op.get<std::string>("dtype")); }

Types infer(const InferContext &c) {
  auto dtype = dtype_from_name(c.get<std::string>("dtype"));
  if (!dtype) return tl::unexpected(dtype.error());
  return one(*dtype, c.operands[0].shape);
}

void gradient(GradientContext &g) {
  DType from = g.builder.type(g.x(0)).dtype;
  if (is_float(from) && is_float(target(g.op))) g.add(0, emit::cast(g.builder, g.dy(), from));
}

void evaluate(EvaluateContext &c) {
  DType to = target(c.op);
  for (size_t i = 0; i < c.results[0].data.size(); ++i) {
    double x = c.operands[0]->data[i];
    c.results[0].data[i] = is_float(to)           ? (to == DType::bf16 ? rounded(x, to) : x)
                           : to == DType::boolean ? x != 0
                                                  : std::trunc(x);
  }
}

Scalar element(KernelBuilder &k, const Op &op, std::span<const Scalar> x) {
  if (target(op) == DType::boolean) return k.binary(Binary::not_equal, x[0], k.constant(k.dtype(x[0]), 0));
  return k.cast(x[0], target(op));
}

}  // namespace

std::vector<OpDef> cast_ops() {
  return {
      {.name = "cast",
       .op_class = OpClass::elementwise,
       .doc =
           "`x` as another element type: floats are cut off towards zero when they become integers; anything but 0 is "
           "true; bf16 rounds to nearest, ties to even. The gradient flows between floats only.",
       .operands = {{"x", "any shape"}},
       .attributes = {{"dtype", AttributeKind::string, "the element type of the result"}},
       .infer = infer,
       .gradient = gradient,
       .evaluate = evaluate,
       .element = element}};
}

}  // namespace netc::ops
