#include "ir/ops/elementwise_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  if (c.operands[0].dtype != DType::boolean)
    return fail(fmt::format("select needs a boolean condition, got {}", to_string(c.operands[0])));
  NETC_TRY(same_dtype("select", c.operands[1], c.operands[2]));
  auto shape = broadcast(c.operands[1].shape, c.operands[2].shape);
  if (shape) shape = broadcast(c.operands[0].shape, *shape);
  if (!shape) return fail(fmt::format("select: {}", shape.error().message), shape.error().help);
  return one(c.operands[1].dtype, std::move(*shape));
}

void gradient(GradientContext &g) {
  ValueId zero = emit::constant_like(g.builder, g.dy(), 0);
  add_summed(g, 1, emit::select(g.builder, g.x(0), g.dy(), zero));
  add_summed(g, 2, emit::select(g.builder, g.x(0), zero, g.dy()));
}

void evaluate(EvaluateContext &c) {
  Tensor &y = c.results[0];
  auto condition = stretched(*c.operands[0], y.sizes);
  auto yes = stretched(*c.operands[1], y.sizes), no = stretched(*c.operands[2], y.sizes);
  for (size_t i = 0; i < y.data.size(); ++i) y.data[i] = condition[i] != 0 ? yes[i] : no[i];
}

Scalar element(KernelBuilder &k, const Op &, std::span<const Scalar> x) { return k.select(x[0], x[1], x[2]); }

}  // namespace

std::vector<OpDef> select_ops() {
  return {
      {.name = "select",
       .op_class = OpClass::elementwise,
       .doc =
           "`yes` where the condition is true, else `no`; with broadcasting. NaN and infinity of the other side do not "
           "come through.",
       .operands = {{"condition", "booleans"}, {"yes", "numbers"}, {"no", "numbers of the same element type"}},
       .infer = infer,
       .gradient = gradient,
       .evaluate = evaluate,
       .element = element}};
}

}  // namespace netc::ops
