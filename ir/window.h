// Windows of a pooling op that lie side by side and cover the image: each element belongs to one of them, so that a
// kernel may go from window to window and hold all there is about one in registers.
#pragma once

#include <optional>

#include "ir/graph.h"

namespace netc {

struct Window {
  Shape image;   // [B, H, W, C]
  Shape pooled;  // [B, H / rows, W / columns, C]
  int64_t rows = 1, columns = 1;

  // Elements of a channel in one window. Places are counted in row-major order.
  size_t places() const { return static_cast<size_t>(rows * columns); }
  friend bool operator==(const Window &, const Window &) = default;
};

// The windows of an op that says what it does with one (OpDef::window). Nothing where they overlap, or leave out or
// exceed part of the image.
std::optional<Window> find_window(const Op &op, const Function &function);
// Those of the pooling ops of a fused body, which agree.
std::optional<Window> find_window(const Function &body);

}  // namespace netc
