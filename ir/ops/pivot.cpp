#include "ir/emit.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  const Type &x = c.operands[0];
  NETC_TRY(need_float("pivot", x));
  if (x.rank() < 2) return fail(fmt::format("pivot needs channels, got {}", to_string(x)));
  Type channels{x.dtype, {x.shape.back()}};
  if (c.operands[1] != channels)
    return fail(fmt::format("pivot: the guess should be {}, got {}", to_string(channels), to_string(c.operands[1])));
  return one(channels);
}

std::vector<ValueId> decompose(Builder &b, const Op &op, Mode) {
  const Shape shape = b.type(op.operands[0]).shape;
  Integers begin(shape.size(), 0), end(shape.size(), 1), strides(shape.size(), 1);
  end.back() = shape.back().size;
  ValueId places = b.emit("slice", {op.operands[0]}, {{"begin", begin}, {"end", end}, {"strides", strides}});
  ValueId first = b.emit("constant", {},
                         {{"dtype", std::string("i32")}, {"shape", Shape{{1}}}, {"values", std::vector<double>{0}}});
  return {emit::reshape(b, b.emit("gather", {places, first}), {shape.back()})};
}

void evaluate(EvaluateContext &c) {
  const std::vector<double> &x = c.operands[0]->data;
  std::vector<double> &y = c.results[0].data;
  std::copy_n(x.begin(), std::min(x.size(), y.size()), y.begin());
}

}  // namespace

std::vector<OpDef> pivot_ops() {
  return {{.name = "pivot",
           .op_class = OpClass::composite,
           .doc = "A number for each channel from which the values of `x` are not far, compared with how far they are "
                  "from each other: sums of squares of distances from it lose no digits (the shifted data algorithm: "
                  "Chan, Golub, LeVeque, 1983). That of the first sample at the first place; a pass takes `guess` "
                  "where that is known to be as good. No gradient flows through it.",
           .operands = {{"x", "[B, ..., C]"}, {"guess", "[C]: the mean of earlier values, say"}},
           .infer = infer,
           .evaluate = evaluate,
           .decompose = decompose}};
}

}  // namespace netc::ops
