#include "passes/pooling.h"

#include <algorithm>

#include "ir/op.h"

namespace netc {
namespace {

constexpr size_t kMostPlaces = 9;      // more fill the registers
constexpr int64_t kLeastChannels = 8;  // lanes are channels: fewer leave most of a vector empty

bool is_worth_it(const Window &window) {
  const Shape &image = window.image;
  return window.places() > 1 && window.places() <= kMostPlaces && image[0].batch && image[3].size >= kLeastChannels;
}

}  // namespace

std::vector<std::optional<Window>> choose_windows(const Function &function) {
  std::vector<std::optional<Window>> windows(function.ops.size());
  for (size_t i = 0; i < function.ops.size(); ++i) {
    windows[i] = find_window(function.ops[i], function);
    if (windows[i] && !is_worth_it(*windows[i])) windows[i].reset();
  }
  std::vector<std::optional<Window>> chosen = windows;
  for (std::optional<Window> &window : chosen) {
    if (!window) continue;
    bool alike = std::ranges::all_of(windows, [&](const std::optional<Window> &other) {
      return !other || other->image != window->image || *other == *window;
    });
    if (!alike) window.reset();
  }
  return chosen;
}

}  // namespace netc
