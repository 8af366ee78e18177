#include "runtime/io/picture_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/io/png_write.h"

namespace netc::runtime {
namespace {

constexpr uint8_t kGap = 64;                          // a dark grey between the maps
constexpr int64_t kSide = 512, kMostEnlargement = 8;  // about how large a picture becomes

struct Scale {
  float least = INFINITY, greatest = -INFINITY;
  void see(float value) {
    if (!std::isfinite(value)) return;
    least = std::min(least, value);
    greatest = std::max(greatest, value);
  }
  uint8_t grey(float value) const {
    float low = std::min(least, greatest > 0 && least >= 0 ? 0.0f : least);
    if (!(greatest > low) || std::isnan(value)) return 0;
    return static_cast<uint8_t>(std::lround(255 * std::clamp((value - low) / (greatest - low), 0.0f, 1.0f)));
  }
};

}  // namespace

std::string grid_png(const Maps &maps) {
  int64_t count = std::min(maps.maps, kMostMaps), size = maps.height * maps.width * maps.channels;
  auto at = [&](int64_t map, int64_t k) {
    return maps.values[static_cast<size_t>(map * maps.map_step + k * maps.value_step)];
  };
  std::vector<Scale> scales(static_cast<size_t>(count));
  for (int64_t map = 0; map < count; ++map)
    for (int64_t k = 0; k < size; ++k) scales[static_cast<size_t>(maps.one_scale ? 0 : map)].see(at(map, k));
  auto side = std::sqrt(static_cast<double>(count * maps.height) / static_cast<double>(maps.width));
  int64_t columns = std::clamp<int64_t>(std::lround(std::ceil(side)), 1, count), rows = (count + columns - 1) / columns;
  int64_t enlarged = std::clamp<int64_t>(kSide / (columns * maps.width), 1, kMostEnlargement);
  int64_t cell_height = maps.height * enlarged + 1, cell_width = maps.width * enlarged + 1;
  int64_t height = rows * cell_height + 1, width = columns * cell_width + 1;
  std::vector<uint8_t> pixels(static_cast<size_t>(height * width * maps.channels), kGap);
  for (int64_t map = 0; map < count; ++map) {
    const Scale &scale = scales[static_cast<size_t>(maps.one_scale ? 0 : map)];
    int64_t top = map / columns * cell_height + 1, left = map % columns * cell_width + 1;
    for (int64_t y = 0; y < maps.height * enlarged; ++y)
      for (int64_t x = 0; x < maps.width * enlarged; ++x)
        for (int64_t c = 0; c < maps.channels; ++c) {
          int64_t k = (y / enlarged * maps.width + x / enlarged) * maps.channels + c;
          pixels[static_cast<size_t>(((top + y) * width + left + x) * maps.channels + c)] = scale.grey(at(map, k));
        }
  }
  return png_bytes(pixels, height, width, maps.channels);
}

}  // namespace netc::runtime
