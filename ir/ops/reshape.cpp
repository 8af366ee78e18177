#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  const Shape &shape = c.get<Shape>("shape");
  auto before = element_count(c.operands[0].shape), after = element_count(shape);
  if (!before) return tl::unexpected(before.error());
  if (!after) return tl::unexpected(after.error());
  if (*before != *after)
    return fail(fmt::format("reshape: {} has {} elements, {} has {}", to_string(c.operands[0]), to_string(*before),
                            to_string(shape), to_string(*after)));
  return one(c.operands[0].dtype, shape);
}

void gradient(GradientContext &g) { g.add(0, emit::reshape(g.builder, g.dy(), g.builder.type(g.x(0)).shape)); }

void evaluate(EvaluateContext &c) { c.results[0].data = c.operands[0]->data; }

}  // namespace

std::vector<OpDef> reshape_ops() {
  return {
      {.name = "reshape",
       .op_class = OpClass::view,
       .doc =
           "The same numbers in the same row-major order under another shape. Sizes may be merged with the batch and "
           "split from it: `[B, 7, 64]` to `[7*B, 64]`.",
       .operands = {{"x", "any"}},
       .attributes = {{"shape", AttributeKind::shape, "with as many elements as `x`"}},
       .infer = infer,
       .gradient = gradient,
       .evaluate = evaluate}};
}

}  // namespace netc::ops
