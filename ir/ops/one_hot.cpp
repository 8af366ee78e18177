#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  if (!is_integer(c.operands[0].dtype))
    return fail(fmt::format("one_hot needs integers, got {}", to_string(c.operands[0])));
  Shape shape = c.operands[0].shape;
  shape.push_back(Dim{c.get<int64_t>("depth")});
  return one(DType::f32, std::move(shape));
}

void evaluate(EvaluateContext &c) {
  auto depth = c.get<int64_t>("depth");
  for (size_t i = 0; i < c.operands[0]->data.size(); ++i)
    for (int64_t j = 0; j < depth; ++j)
      c.results[0].data[i * depth + j] = c.operands[0]->data[i] == static_cast<double>(j) ? 1 : 0;
}

Scalar pull(KernelBuilder &k, const Op &, std::span<const Index> index) {
  Scalar number = k.load(0, index.first(index.size() - 1));
  Scalar hit = k.binary(Binary::equal, number, k.number(index.back(), k.operand_type(0).dtype));
  return k.select(hit, k.constant(DType::f32, 1), k.constant(DType::f32, 0));
}

}  // namespace

std::vector<OpDef> one_hot_ops() {
  return {
      {.name = "one_hot",
       .op_class = OpClass::kernel,
       .doc = "A last axis of `depth` zeros with a one at the index; only zeros for an index outside.",
       .operands = {{"indices", "integers of any shape"}},
       .attributes = {{"depth", AttributeKind::integer, "the number of classes", std::nullopt, 1, int64_t{1} << 40}},
       .infer = infer,
       .evaluate = evaluate,
       .pull = pull}};
}

}  // namespace netc::ops
