#include "ir/window.h"

#include <utility>

#include "ir/op.h"

namespace netc {

std::optional<Window> find_window(const Op &op, const Function &function) {
  using Integers = std::vector<int64_t>;
  if (op.def->window == nullptr) return std::nullopt;
  const auto &size = op.get<Integers>("pool_size");
  if (size != op.get<Integers>("strides") || op.get<Integers>("padding") != Integers{0, 0, 0, 0}) return std::nullopt;
  Window window{function.type(op.operands[0]).shape, function.type(op.results[0]).shape, size[0], size[1]};
  bool gradient = window.image[1].size < window.pooled[1].size || window.image[2].size < window.pooled[2].size;
  if (gradient) std::swap(window.image, window.pooled);
  for (size_t axis = 0; axis < 2; ++axis)
    if (window.pooled[axis + 1].size * size[axis] != window.image[axis + 1].size) return std::nullopt;
  return window;
}

std::optional<Window> find_window(const Function &body) {
  for (const Op &op : body.ops)
    if (op.def->window != nullptr) return find_window(op, body);
  return std::nullopt;
}

}  // namespace netc
