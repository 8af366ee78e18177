// Readable sugar over Builder::emit for gradient rules, decompositions and passes: `add(b, x, y)` for
// `b.emit("add", {x, y})`. All of it aborts on wrong types: callers know theirs.
#pragma once

#include <vector>

#include "ir/builder.h"

namespace netc::emit {

#define NETC_EMIT_UNARY(op) \
  inline ValueId op(Builder &b, ValueId x) { return b.emit(#op, {x}); }
#define NETC_EMIT_BINARY(op) \
  inline ValueId op(Builder &b, ValueId x, ValueId y) { return b.emit(#op, {x, y}); }

NETC_EMIT_UNARY(negative)
NETC_EMIT_UNARY(abs)
NETC_EMIT_UNARY(sign)
NETC_EMIT_UNARY(exp)
NETC_EMIT_UNARY(log)
NETC_EMIT_UNARY(sqrt)
NETC_EMIT_UNARY(rsqrt)
NETC_EMIT_UNARY(reciprocal)
NETC_EMIT_UNARY(square)
NETC_EMIT_UNARY(sin)
NETC_EMIT_UNARY(cos)
NETC_EMIT_UNARY(tanh)
NETC_EMIT_UNARY(sigmoid)
NETC_EMIT_UNARY(relu)
NETC_EMIT_UNARY(erf_inv)
NETC_EMIT_UNARY(stop_gradient)
NETC_EMIT_UNARY(logical_not)
NETC_EMIT_BINARY(add)
NETC_EMIT_BINARY(subtract)
NETC_EMIT_BINARY(multiply)
NETC_EMIT_BINARY(divide)
NETC_EMIT_BINARY(power)
NETC_EMIT_BINARY(maximum)
NETC_EMIT_BINARY(minimum)
NETC_EMIT_BINARY(equal)
NETC_EMIT_BINARY(less)
NETC_EMIT_BINARY(less_equal)
NETC_EMIT_BINARY(greater)
NETC_EMIT_BINARY(greater_equal)

#undef NETC_EMIT_UNARY
#undef NETC_EMIT_BINARY

// A scalar constant of the dtype of `like`.
inline ValueId constant_like(Builder &b, ValueId like, double value) { return b.constant(value, b.type(like).dtype); }
// x * factor, x + term: with a scalar constant.
inline ValueId scale(Builder &b, ValueId x, double factor) { return multiply(b, x, constant_like(b, x, factor)); }
inline ValueId offset(Builder &b, ValueId x, double term) { return add(b, x, constant_like(b, x, term)); }

inline ValueId select(Builder &b, ValueId condition, ValueId yes, ValueId no) {
  return b.emit("select", {condition, yes, no});
}
// x itself where it has the dtype already.
inline ValueId cast(Builder &b, ValueId x, DType dtype) {
  return b.type(x).dtype == dtype ? x : b.emit("cast", {x}, {{"dtype", std::string(name(dtype))}});
}
// x itself where it has the shape already.
inline ValueId reshape(Builder &b, ValueId x, Shape shape) {
  return b.type(x).shape == shape ? x : b.emit("reshape", {x}, {{"shape", std::move(shape)}});
}
inline ValueId broadcast_to(Builder &b, ValueId x, Shape shape) {
  return b.type(x).shape == shape ? x : b.emit("broadcast_to", {x}, {{"shape", std::move(shape)}});
}
inline ValueId transpose(Builder &b, ValueId x, std::vector<int64_t> permutation) {
  return b.emit("transpose", {x}, {{"permutation", std::move(permutation)}});
}
inline ValueId reverse(Builder &b, ValueId x, std::vector<int64_t> axes) {
  return b.emit("reverse", {x}, {{"axes", std::move(axes)}});
}
inline ValueId reduce_sum(Builder &b, ValueId x, std::vector<int64_t> axes, bool keep_dims = false) {
  return b.emit("reduce_sum", {x}, {{"axes", std::move(axes)}, {"keep_dims", keep_dims}});
}
inline ValueId reduce_max(Builder &b, ValueId x, std::vector<int64_t> axes, bool keep_dims = false) {
  return b.emit("reduce_max", {x}, {{"axes", std::move(axes)}, {"keep_dims", keep_dims}});
}
inline ValueId matmul(Builder &b, ValueId x, ValueId y, bool transpose_a = false, bool transpose_b = false) {
  return b.emit("matmul", {x, y}, {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}});
}
// A splat constant of this type; for a shape that depends on the batch, a broadcast scalar.
ValueId filled(Builder &b, const Type &type, double value);
inline ValueId zeros_like(Builder &b, ValueId x) { return filled(b, b.type(x), 0.0); }

}  // namespace netc::emit
