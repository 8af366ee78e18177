#include "ir/evaluator.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  const auto &kind = c.get<std::string>("kind");
  if (kind != "contraction" && kind != "map" && kind != "reduce")
    return fail(fmt::format("fused: there is no kind \"{}\"", kind));
  if (!c.body) return fail("fused needs a body");
  const Function &body = *c.body;
  if (body.arguments.size() != c.operands.size())
    return fail(fmt::format("fused: the body takes {} operands, got {}", body.arguments.size(), c.operands.size()));
  for (size_t i = 0; i < c.operands.size(); ++i)
    if (body.type(body.arguments[i]) != c.operands[i])
      return fail(fmt::format("fused: operand {} of the body is {}, got {}", i, to_string(body.type(body.arguments[i])),
                              to_string(c.operands[i])));
  std::vector<Type> types;
  for (ValueId result : body.results) types.push_back(body.type(result));
  return types;
}

}  // namespace

std::vector<OpDef> fused_ops() {
  return {
      {.name = "fused",
       .op_class = OpClass::kernel,
       .doc =
           "Several ops that run as one kernel: its body. The arguments of the body are the operands. Kinds: "
           "`contraction` "
           "(one contraction, then elementwise ops on its result, then reductions of those over all axes but the "
           "last), "
           "`map` (elementwise ops), `reduce` (elementwise ops, then reductions over the same axes of the same shape). "
           "`map` and `reduce` may hold pooling whose windows tile the image, and elementwise ops of the pooled shape.",
       .operands = {{"operands", "what the body reads", true}},
       .attributes = {{"kind", AttributeKind::string, "contraction, map or reduce"}},
       .infer = infer}};
}

}  // namespace netc::ops
