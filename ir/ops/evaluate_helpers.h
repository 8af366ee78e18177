// What reference evaluations share: walking over indices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ir/op.h"

namespace netc::ops {

// Elements between neighbours along each axis of a dense row-major array.
inline std::vector<int64_t> row_major_strides(const std::vector<int64_t> &sizes) {
  std::vector<int64_t> strides(sizes.size(), 1);
  for (size_t i = sizes.size(); i-- > 1;) strides[i - 1] = strides[i] * sizes[i];
  return strides;
}

inline int64_t count_of(const std::vector<int64_t> &sizes) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

// Calls f(index) for every index below `sizes`, the last axis fastest.
template <typename F>
void for_each_index(const std::vector<int64_t> &sizes, F f) {
  std::vector<int64_t> index(sizes.size(), 0);
  for (int64_t n = count_of(sizes); n > 0; --n) {
    f(static_cast<const std::vector<int64_t> &>(index));
    for (size_t axis = sizes.size(); axis-- > 0;) {
      if (++index[axis] < sizes[axis]) break;
      index[axis] = 0;
    }
  }
}

inline int64_t offset_of(std::span<const int64_t> index, std::span<const int64_t> strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < index.size(); ++i) offset += index[i] * strides[i];
  return offset;
}

// Strides that read `from` as if it had the sizes `to`: 0 along stretched axes.
inline std::vector<int64_t> broadcast_strides(const std::vector<int64_t> &from, const std::vector<int64_t> &to) {
  std::vector<int64_t> own = row_major_strides(from), strides(to.size(), 0);
  size_t skipped = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1) strides[skipped + i] = own[i];
  return strides;
}

// The numbers of `x` stretched to `sizes`.
std::vector<double> stretched(const Tensor &x, const std::vector<int64_t> &sizes);

}  // namespace netc::ops
