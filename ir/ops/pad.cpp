#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  const Type &x = c.operands[0];
  const auto &low = c.get<Integers>("low"), &high = c.get<Integers>("high");
  NETC_TRY(need_length("pad", "low", low.size(), x.rank()));
  NETC_TRY(need_length("pad", "high", high.size(), x.rank()));
  Shape shape = x.shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].batch && (low[i] != 0 || high[i] != 0))
      return fail(fmt::format("pad: the batch axis {} of {} cannot be padded", i, to_string(x)));
    shape[i].size += low[i] + high[i];
  }
  return one(x.dtype, std::move(shape));
}

void gradient(GradientContext &g) {
  const auto &low = g.op.get<Integers>("low");
  Integers end, strides;
  const Shape &shape = g.builder.type(g.x(0)).shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    end.push_back(low[i] + shape[i].size);
    strides.push_back(1);
  }
  g.add(0, g.builder.emit("slice", {g.dy()}, {{"begin", low}, {"end", end}, {"strides", strides}}));
}

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  Tensor &y = c.results[0];
  std::fill(y.data.begin(), y.data.end(), c.get<double>("value"));
  std::vector<int64_t> strides = row_major_strides(y.sizes);
  int64_t first = offset_of(c.get<Integers>("low"), strides);
  size_t i = 0;
  for_each_index(x.sizes,
                 [&](const std::vector<int64_t> &index) { y.data[first + offset_of(index, strides)] = x.data[i++]; });
}

Scalar pull(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  const auto &low = op.get<Integers>("low");
  std::vector<Index> place;
  for (size_t i = 0; i < index.size(); ++i) place.push_back(low[i] == 0 ? index[i] : k.add(index[i], k.index(-low[i])));
  return k.load_or(0, place, k.constant(k.operand_type(0).dtype, op.get<double>("value")));
}

}  // namespace

std::vector<OpDef> pad_ops() {
  constexpr int64_t limit = int64_t{1} << 40;
  return {{.name = "pad",
           .op_class = OpClass::kernel,
           .doc = "`x` with a constant around it; never along the batch.",
           .operands = {{"x", "any"}},
           .attributes = {{"low", AttributeKind::integers, "how many before, for each axis", std::nullopt, 0, limit},
                          {"high", AttributeKind::integers, "how many after, for each axis", std::nullopt, 0, limit},
                          {"value", AttributeKind::real, "the constant", Attribute{0.0}}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .pull = pull}};
}

}  // namespace netc::ops
