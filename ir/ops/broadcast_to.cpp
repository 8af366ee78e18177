#include "ir/ops/elementwise_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  const Shape &shape = c.get<Shape>("shape");
  auto stretched = broadcast(c.operands[0].shape, shape);
  if (!stretched || *stretched != shape)
    return fail(fmt::format("broadcast_to: {} does not stretch to {}", to_string(c.operands[0]), to_string(shape)));
  return one(c.operands[0].dtype, shape);
}

void gradient(GradientContext &g) { add_summed(g, 0, g.dy()); }

void evaluate(EvaluateContext &c) { c.results[0].data = stretched(*c.operands[0], c.results[0].sizes); }

Scalar element(KernelBuilder &, const Op &, std::span<const Scalar> x) { return x[0]; }

}  // namespace

std::vector<OpDef> broadcast_to_ops() {
  return {{.name = "broadcast_to",
           .op_class = OpClass::elementwise,
           .doc = "`x` stretched to a shape by the rule of broadcasting.",
           .operands = {{"x", "any element type"}},
           .attributes = {{"shape", AttributeKind::shape, "the shape of the result"}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .element = element}};
}

}  // namespace netc::ops
