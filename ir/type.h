// Types of the graph: an element type and a shape. The batch is the one size unknown at compile time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace netc {

enum class DType : uint8_t { f32, f64, bf16, i32, i64, boolean };

size_t byte_size(DType dtype);  // boolean is one byte
std::string_view name(DType dtype);
Result<DType> dtype_from_name(std::string_view text);
inline bool is_float(DType d) { return d == DType::f32 || d == DType::f64 || d == DType::bf16; }
// What products of this element type are added up in: f32 for bf16, otherwise the type itself.
inline DType sum_type(DType d) { return d == DType::bf16 ? DType::f32 : d; }
// A number as this element type holds it: f32 and bf16 round to nearest, ties to even.
double rounded(double value, DType dtype);
uint16_t bf16_bits(double value);
inline bool is_integer(DType d) { return d == DType::i32 || d == DType::i64; }

// One size of a shape: `size`, or `size * B` where B is the batch of the call. Printed `7`, `B`, `7*B`.
struct Dim {
  int64_t size = 1;
  bool batch = false;

  int64_t at(int64_t batch_size) const { return batch ? size * batch_size : size; }
  bool is_one() const { return size == 1 && !batch; }
  friend bool operator==(const Dim &, const Dim &) = default;
};
inline constexpr Dim kBatch{1, true};

using Shape = std::vector<Dim>;

struct Type {
  DType dtype = DType::f32;
  Shape shape;

  size_t rank() const { return shape.size(); }
  friend bool operator==(const Type &, const Type &) = default;
};

std::string to_string(Dim dim);
std::string to_string(const Shape &shape);  // "[B, 28, 28, 1]"
std::string to_string(const Type &type);    // "f32[B, 28, 28, 1]"; a scalar is "f32[]"

// The product of the sizes: `fixed` or `fixed * B`. Fails when two dims depend on the batch (B * B) or when the
// product passes 2^48 elements, the most any value may have.
Result<Dim> element_count(const Shape &shape);
// Row-major sizes for one batch size.
std::vector<int64_t> sizes_at(const Shape &shape, int64_t batch);
// NumPy's rule: align right, a size of one stretches. The error names both shapes.
Result<Shape> broadcast(const Shape &a, const Shape &b);

}  // namespace netc
