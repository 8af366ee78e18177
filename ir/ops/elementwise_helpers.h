// The parts of elementwise records that depend on the formula alone. A formula is a captureless lambda given as a
// template argument.
#pragma once

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {

template <auto formula>
void evaluate_unary(EvaluateContext &c) {
  for (size_t i = 0; i < c.results[0].data.size(); ++i) c.results[0].data[i] = formula(c.operands[0]->data[i]);
}

template <auto formula>
void evaluate_binary(EvaluateContext &c) {
  Tensor &y = c.results[0];
  std::vector<double> a = stretched(*c.operands[0], y.sizes), b = stretched(*c.operands[1], y.sizes);
  for (size_t i = 0; i < y.data.size(); ++i) y.data[i] = formula(a[i], b[i]);
}

template <Unary kind>
Scalar element_unary(KernelBuilder &k, const Op &, std::span<const Scalar> x) {
  return k.unary(kind, x[0]);
}
template <Binary kind>
Scalar element_binary(KernelBuilder &k, const Op &, std::span<const Scalar> x) {
  return k.binary(kind, x[0], x[1]);
}

inline Types infer_same_float(const InferContext &c) {
  NETC_TRY(need_float(c.op, c.operands[0]));
  return one(c.operands[0]);
}
inline Types infer_same_number(const InferContext &c) {
  NETC_TRY(need_number(c.op, c.operands[0]));
  return one(c.operands[0]);
}
// The broadcast shape of two operands of one element type.
inline Result<Type> broadcast_types(const InferContext &c) {
  NETC_TRY(same_dtype(c.op, c.operands[0], c.operands[1]));
  auto shape = broadcast(c.operands[0].shape, c.operands[1].shape);
  if (!shape) return fail(fmt::format("{}: {}", c.op, shape.error().message), shape.error().help);
  return Type{c.operands[0].dtype, std::move(*shape)};
}

}  // namespace netc::ops
