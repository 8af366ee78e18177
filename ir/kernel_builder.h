// How an op says, without knowing LLVM, what one element of its result is. codegen implements this; a Scalar may hold a
// whole vector of neighbouring elements there.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "ir/type.h"

namespace netc {

struct Scalar {
  uint32_t id = UINT32_MAX;
};
// An affine integer expression of loop variables.
struct Index {
  uint32_t id = UINT32_MAX;
};

enum class Unary : uint8_t {
  negative,
  absolute,
  sign,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  rsqrt,
  reciprocal,
  sin,
  cos,
  tanh,
  sigmoid,
  erf,
  erf_inv,
  floor,
  ceil,
  round,
  is_nan,
  logical_not,
};
enum class Binary : uint8_t {
  add,
  subtract,
  multiply,
  divide,
  power,
  remainder,
  maximum,
  minimum,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  logical_and,
  logical_or,
};
enum class Reduction : uint8_t { sum, product, maximum, minimum, argmax /* i32, the first of equals */ };

class KernelBuilder {
 public:
  virtual ~KernelBuilder() = default;

  // Numbers.
  virtual DType dtype(Scalar x) = 0;  // what an elementwise op asks: inside a fused op it has no types but these
  virtual Scalar constant(DType dtype, double value) = 0;
  virtual Scalar unary(Unary op, Scalar x) = 0;
  // Comparisons give boolean. maximum and minimum give NaN when either is NaN. remainder has the sign of a (C's fmod).
  virtual Scalar binary(Binary op, Scalar a, Scalar b) = 0;
  virtual Scalar fma(Scalar a, Scalar b, Scalar c) = 0;  // a * b + c, rounded once
  virtual Scalar select(Scalar condition, Scalar yes, Scalar no) = 0;
  virtual Scalar cast(Scalar x, DType dtype) = 0;
  // A number in [0, 1) of the stream, for the element with this row-major number (ir/philox.h).
  virtual Scalar random_uniform(uint64_t stream, Index element) = 0;

  // Places. Indices are affine; `from_scalar` (an i32 or i64 number as an index, for gather) may only be used in load
  // and accumulate.
  virtual Index index(int64_t value) = 0;
  virtual Index add(Index a, Index b) = 0;
  virtual Index scale(Index a, int64_t factor) = 0;
  virtual Index scale(Index a, Dim factor) = 0;
  virtual Index from_scalar(Scalar number) = 0;
  virtual Scalar number(Index i, DType dtype) = 0;
  virtual Scalar extent(Dim dim, DType dtype) = 0;  // the size itself, with the batch of the call
  // Element of an operand at a logical index (the halo is not counted), in bounds by construction.
  virtual Scalar load(size_t operand, std::span<const Index> index) = 0;
  // The same, or `outside` where an index falls outside the operand's shape.
  virtual Scalar load_or(size_t operand, std::span<const Index> index, Scalar outside) = 0;
  virtual Type operand_type(size_t operand) = 0;
  virtual Type result_type(size_t result = 0) = 0;

  // Loops. The order of a reduction is fixed by the shapes alone.
  virtual Scalar reduce(Reduction kind, std::span<const Dim> extents,
                        const std::function<Scalar(std::span<const Index>)> &body) = 0;
  virtual void for_each(std::span<const Dim> extents, const std::function<void(std::span<const Index>)> &body) = 0;
  // push lowerings: result[index] += value; nothing where the index falls outside.
  virtual void accumulate(std::span<const Index> index, Scalar value) = 0;
};

}  // namespace netc
