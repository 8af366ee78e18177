#include "ir/ops/gradient_helpers.h"

namespace netc::ops {

ValueId sum_to(Builder &b, ValueId gradient, Shape shape) {
  const Shape full = b.type(gradient).shape;
  if (full == shape) return gradient;
  std::vector<int64_t> axes;
  size_t added = full.size() - shape.size();
  for (size_t i = 0; i < full.size(); ++i)
    if (i < added || (shape[i - added].is_one() && !full[i].is_one())) axes.push_back(static_cast<int64_t>(i));
  ValueId sum = axes.empty() ? gradient : emit::reduce_sum(b, gradient, std::move(axes));
  return emit::reshape(b, sum, shape);
}

ValueId restore_axes(Builder &b, ValueId reduced, const Shape &full, const std::vector<int64_t> &axes) {
  Shape kept = full;
  for (int64_t axis : axes) kept[axis] = Dim{};
  return emit::reshape(b, reduced, std::move(kept));
}

ValueId flipped_kernel(Builder &b, ValueId kernel, int64_t groups) {
  if (groups == 1) return b.emit("flip_kernel", {kernel});
  const Shape shape = b.type(kernel).shape;
  ValueId flipped = shape[0].is_one() && shape[1].is_one() ? kernel : emit::reverse(b, kernel, {0, 1});
  Dim inputs = shape[2], outputs{shape[3].size / groups}, group{groups};
  ValueId split = emit::reshape(b, flipped, {shape[0], shape[1], inputs, group, outputs});
  ValueId swapped = emit::transpose(b, split, {0, 1, 4, 3, 2});
  return emit::reshape(b, swapped, {shape[0], shape[1], outputs, Dim{groups * inputs.size}});
}

}  // namespace netc::ops
