#include "ir/type.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "fmt/format.h"

namespace netc {
namespace {

struct DTypeInfo {
  DType dtype;
  std::string_view name;
  size_t bytes;
};
// In the order of the enumeration.
constexpr std::array<DTypeInfo, 6> kDTypes = {{{DType::f32, "f32", 4},
                                               {DType::f64, "f64", 8},
                                               {DType::bf16, "bf16", 2},
                                               {DType::i32, "i32", 4},
                                               {DType::i64, "i64", 8},
                                               {DType::boolean, "boolean", 1}}};
constexpr int64_t kMaximumElements = int64_t{1} << 48;

}  // namespace

size_t byte_size(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].bytes; }

std::string_view name(DType dtype) { return kDTypes[static_cast<size_t>(dtype)].name; }

Result<DType> dtype_from_name(std::string_view text) {
  for (const DTypeInfo &info : kDTypes)
    if (info.name == text) return info.dtype;
  return fail(fmt::format("there is no element type \"{}\"", text), "the types are f32, f64, bf16, i32, i64, boolean");
}

uint16_t bf16_bits(double value) {
  auto bits = std::bit_cast<uint32_t>(static_cast<float>(value));
  if (std::isnan(value)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

double rounded(double value, DType dtype) {
  if (dtype == DType::f32) return static_cast<double>(static_cast<float>(value));
  if (dtype != DType::bf16) return value;
  return static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bf16_bits(value)) << 16));
}

std::string to_string(Dim dim) {
  if (!dim.batch) return fmt::format("{}", dim.size);
  return dim.size == 1 ? "B" : fmt::format("{}*B", dim.size);
}

std::string to_string(const Shape &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += to_string(shape[i]);
  }
  return text + "]";
}

std::string to_string(const Type &type) { return std::string(name(type.dtype)) + to_string(type.shape); }

Result<Dim> element_count(const Shape &shape) {
  Dim count{1, false};
  for (Dim dim : shape) {
    if (dim.batch && count.batch) return fail(fmt::format("two sizes of {} depend on the batch", to_string(shape)));
    count.batch = count.batch || dim.batch;
    if (dim.size < 0 || (dim.size > 0 && count.size > kMaximumElements / dim.size))
      return fail(fmt::format("{} has more elements than a value may have", to_string(shape)));
    count.size *= dim.size;
  }
  return count;
}

std::vector<int64_t> sizes_at(const Shape &shape, int64_t batch) {
  std::vector<int64_t> sizes;
  sizes.reserve(shape.size());
  for (Dim dim : shape) sizes.push_back(dim.at(batch));
  return sizes;
}

Result<Shape> broadcast(const Shape &a, const Shape &b) {
  const Shape &longer = a.size() >= b.size() ? a : b;
  const Shape &shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  size_t offset = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); ++i) {
    Dim &dim = result[offset + i];
    if (dim == shorter[i] || shorter[i].is_one()) continue;
    if (!dim.is_one())
      return fail(fmt::format("the shapes {} and {} do not go together: {} against {}", to_string(a), to_string(b),
                              to_string(&longer == &a ? dim : shorter[i]), to_string(&longer == &a ? shorter[i] : dim)),
                  "sizes are compared from the right; they must be equal, or one of them 1");
    dim = shorter[i];
  }
  return result;
}

}  // namespace netc
