#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  if (c.operands.empty()) return fail("concatenate needs at least one value");
  Type result = c.operands[0];
  auto axis = c.get<int64_t>("axis");
  NETC_TRY(need_axis("concatenate", axis, result));
  if (result.shape[axis].batch) return fail(fmt::format("concatenate: {} along the batch axis", to_string(result)));
  for (const Type &x : c.operands.subspan(1)) {
    NETC_TRY(same_dtype("concatenate", c.operands[0], x));
    Type rest = x;
    if (x.rank() == result.rank()) rest.shape[axis] = c.operands[0].shape[axis];
    if (rest != c.operands[0] || x.shape[axis].batch)
      return fail(fmt::format("concatenate: {} and {} differ along another axis than {}", to_string(c.operands[0]),
                              to_string(x), axis));
    result.shape[axis].size += x.shape[axis].size;
  }
  return one(std::move(result));
}

void gradient(GradientContext &g) {
  auto axis = g.op.get<int64_t>("axis");
  int64_t at = 0;
  for (size_t i = 0; i < g.op.operands.size(); ++i) {
    const Shape &shape = g.builder.type(g.x(i)).shape;
    Integers begin(shape.size(), 0), end, strides(shape.size(), 1);
    for (Dim dim : shape) end.push_back(dim.size);
    begin[axis] = at;
    end[axis] = at += shape[axis].size;
    g.add(i, g.builder.emit("slice", {g.dy()}, {{"begin", begin}, {"end", end}, {"strides", strides}}));
  }
}

void evaluate(EvaluateContext &c) {
  auto axis = c.get<int64_t>("axis");
  Tensor &y = c.results[0];
  std::vector<int64_t> strides = row_major_strides(y.sizes);
  int64_t first = 0;
  for (const Tensor *x : c.operands) {
    size_t i = 0;
    for_each_index(
        x->sizes, [&](const std::vector<int64_t> &index) { y.data[first + offset_of(index, strides)] = x->data[i++]; });
    first += x->sizes[axis] * strides[axis];
  }
}

// From the last operand to the first: where the index lies before the end of an operand, that operand has it.
Scalar pull(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  auto axis = op.get<int64_t>("axis");
  std::vector<int64_t> ends;
  for (size_t i = 0; i < op.operands.size(); ++i)
    ends.push_back((ends.empty() ? 0 : ends.back()) + k.operand_type(i).shape[axis].size);
  Scalar number = k.number(index[axis], DType::i32);
  Scalar result;
  for (size_t i = op.operands.size(); i-- > 0;) {
    std::vector<Index> place(index.begin(), index.end());
    if (i > 0) place[axis] = k.add(index[axis], k.index(-ends[i - 1]));
    Scalar own = k.load_or(i, place, k.constant(k.operand_type(0).dtype, 0));
    Scalar here = k.binary(Binary::less, number, k.constant(DType::i32, static_cast<double>(ends[i])));
    result = i + 1 == op.operands.size() ? own : k.select(here, own, result);
  }
  return result;
}

}  // namespace

std::vector<OpDef> concatenate_ops() {
  return {{.name = "concatenate",
           .op_class = OpClass::kernel,
           .doc = "The operands one after the other along an axis, never the batch.",
           .operands = {{"xs", "equal but along the axis", true}},
           .attributes = {{"axis", AttributeKind::integer, "along which", std::nullopt, 0}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .pull = pull}};
}

}  // namespace netc::ops
