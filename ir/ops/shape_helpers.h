// What shape rules share: checks with the words a user reads.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "ir/op.h"

namespace netc::ops {

using Types = Result<std::vector<Type>>;

inline Types one(Type type) { return std::vector<Type>{std::move(type)}; }
inline Types one(DType dtype, Shape shape) { return one(Type{dtype, std::move(shape)}); }

// "add needs numbers of one type, got f32[3] and i32[3]"
inline Result<void> same_dtype(std::string_view op, const Type &a, const Type &b) {
  if (a.dtype == b.dtype) return {};
  return fail(fmt::format("{} needs operands of one element type, got {} and {}", op, to_string(a), to_string(b)));
}
inline Result<void> need_float(std::string_view op, const Type &x) {
  if (is_float(x.dtype)) return {};
  return fail(fmt::format("{} needs floating-point numbers, got {}", op, to_string(x)));
}
inline Result<void> need_number(std::string_view op, const Type &x) {
  if (x.dtype != DType::boolean) return {};
  return fail(fmt::format("{} needs numbers, got {}", op, to_string(x)));
}
inline Result<void> need_length(std::string_view op, std::string_view attribute, size_t got, size_t wanted) {
  if (got == wanted) return {};
  return fail(fmt::format("{}: {} needs {} numbers, got {}", op, attribute, wanted, got));
}

// [B, H, W, C] with height, width and channels known at compile time.
inline Result<void> need_image(std::string_view op, const Type &x) {
  if (auto good = need_float(op, x); !good) return good;
  bool fixed = x.rank() == 4 && !x.shape[1].batch && !x.shape[2].batch && !x.shape[3].batch;
  if (fixed) return {};
  return fail(fmt::format("{} needs an image [B, H, W, C], got {}", op, to_string(x)),
              x.rank() == 3 ? "add a channel axis: -> reshape([height, width, 1])" : "");
}

// Axes of a value: in range and each once. Returns one flag an axis.
inline Result<std::vector<bool>> axis_flags(std::string_view op, const std::vector<int64_t> &axes, const Type &x) {
  std::vector<bool> flags(x.rank(), false);
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= static_cast<int64_t>(x.rank()))
      return fail(fmt::format("{}: there is no axis {} in {}", op, axis, to_string(x)));
    if (flags[axis]) return fail(fmt::format("{}: the axis {} is named twice", op, axis));
    flags[axis] = true;
  }
  return flags;
}
inline Result<void> need_axis(std::string_view op, int64_t axis, const Type &x) {
  if (axis >= 0 && axis < static_cast<int64_t>(x.rank())) return {};
  return fail(fmt::format("{}: there is no axis {} in {}", op, axis, to_string(x)));
}

}  // namespace netc::ops

// Leaves a shape rule with the error of a check.
#define NETC_TRY(check) \
  if (auto outcome = (check); !outcome) return tl::unexpected(outcome.error())
