#include "runtime/data/resize.h"

#include <algorithm>
#include <cmath>

namespace netc::runtime {
namespace {

// Between which two pixels of an axis a new one lies, and how near to the second.
struct Between {
  size_t low, high;
  float share;
};

std::vector<Between> between(int64_t size, int64_t new_size) {
  std::vector<Between> result;
  float scale = static_cast<float>(size) / static_cast<float>(new_size);
  for (int64_t i = 0; i < new_size; ++i) {
    float at = std::max(0.0f, (static_cast<float>(i) + 0.5f) * scale - 0.5f);
    auto low = std::min(static_cast<int64_t>(at), size - 1);
    result.push_back(
        {static_cast<size_t>(low), static_cast<size_t>(std::min(low + 1, size - 1)), at - static_cast<float>(low)});
  }
  return result;
}

}  // namespace

Array resized(const Array &picture, int64_t height, int64_t width) {
  int64_t old_height = picture.shape[0], old_width = picture.shape[1];
  if (old_height == height && old_width == width) return picture;
  size_t channels = static_cast<size_t>(picture.shape[2]), row_values = static_cast<size_t>(old_width) * channels;
  const auto &from = std::get<std::vector<uint8_t>>(picture.values);
  auto rows = between(old_height, height), columns = between(old_width, width);
  std::vector<uint8_t> to;
  to.reserve(static_cast<size_t>(height * width) * channels);
  for (const Between &y : rows)
    for (const Between &x : columns)
      for (size_t channel = 0; channel < channels; ++channel) {
        const auto pixel = [&](size_t row, size_t column) {
          return static_cast<float>(from[row * row_values + column * channels + channel]);
        };
        float top = pixel(y.low, x.low) + (pixel(y.low, x.high) - pixel(y.low, x.low)) * x.share;
        float bottom = pixel(y.high, x.low) + (pixel(y.high, x.high) - pixel(y.high, x.low)) * x.share;
        to.push_back(static_cast<uint8_t>(std::lround(top + (bottom - top) * y.share)));
      }
  Array result;
  result.count = 1;
  result.shape = {height, width, picture.shape[2]};
  result.values = std::move(to);
  return result;
}

}  // namespace netc::runtime
