#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  NETC_TRY(need_float("gradient", c.operands[0]));
  if (c.operands[0].rank() != 0)
    return fail(fmt::format("gradient needs a scalar loss, got {}", to_string(c.operands[0])));
  for (const Type &wrt : c.operands.subspan(1)) NETC_TRY(need_float("gradient", wrt));
  return std::vector<Type>(c.operands.begin() + 1, c.operands.end());
}

}  // namespace

std::vector<OpDef> gradient_ops() {
  return {{.name = "gradient",
           .op_class = OpClass::composite,
           .doc =
               "The gradients of the loss with respect to values it was computed from. The pass `autodiff` puts the "
               "backward sweep (ir/gradients.h) in its place; nothing after it, the evaluator neither, knows this op.",
           .operands = {{"loss", "a scalar"}, {"wrt", "values the loss depends on", true}},
           .infer = infer}};
}

}  // namespace netc::ops
