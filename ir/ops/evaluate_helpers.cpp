#include "ir/ops/evaluate_helpers.h"

namespace netc::ops {

std::vector<double> stretched(const Tensor &x, const std::vector<int64_t> &sizes) {
  if (x.sizes == sizes) return x.data;
  if (x.data.size() == 1) return std::vector<double>(static_cast<size_t>(count_of(sizes)), x.data[0]);
  std::vector<int64_t> strides = broadcast_strides(x.sizes, sizes);
  std::vector<double> result;
  result.reserve(static_cast<size_t>(count_of(sizes)));
  for_each_index(sizes,
                 [&](const std::vector<int64_t> &index) { result.push_back(x.data[offset_of(index, strides)]); });
  return result;
}

}  // namespace netc::ops
