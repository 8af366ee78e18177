// Map: where the pixels of a moved picture come from, as an affine map from places in the result to places in the
// source. Places count pixels from the centre of the top left one.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace netc::runtime {

enum class FillMode : uint8_t {
  reflect,   // d c b a | a b c d | d c b a
  nearest,   // a a a a | a b c d | d d d d
  constant,  // k k k k | a b c d | k k k k
};
struct Fill {
  FillMode mode = FillMode::reflect;
  float value = 0;  // of constant, a raw value
  bool operator==(const Fill &) const = default;
};

struct Map {
  int64_t height = 0, width = 0;
  // Row and column in the source of the pixel (y, x) of the result: yy * y + yx * x + y0, xy * y + xx * x + x0.
  double yy = 1, yx = 0, y0 = 0;
  double xy = 0, xx = 1, x0 = 0;

  // Appends a move whose own map is, about the centre, (y, x) -> (a * y + b * x, c * y + d * x), after which the
  // picture is shifted down and right by (down, right).
  void then(double a, double b, double c, double d, double down, double right) {
    double cy = static_cast<double>(height - 1) / 2, cx = static_cast<double>(width - 1) / 2;
    double ty = cy - a * (cy + down) - b * (cx + right), tx = cx - c * (cy + down) - d * (cx + right);
    Map next = *this;
    next.yy = yy * a + yx * c, next.yx = yy * b + yx * d, next.y0 = yy * ty + yx * tx + y0;
    next.xy = xy * a + xx * c, next.xx = xy * b + xx * d, next.x0 = xy * ty + xx * tx + x0;
    *this = next;
  }
  // Whether every pixel is one of the source: mirrored and shifted by whole pixels.
  bool whole() const {
    return yx == 0 && xy == 0 && std::abs(yy) == 1 && std::abs(xx) == 1 && y0 == std::floor(y0) && x0 == std::floor(x0);
  }
};

// The source coordinate of a map by whole pixels along an axis, moved into 0 .. size-1 as `mode` says; -1: constant.
inline int64_t source_coordinate(int64_t place, int64_t size, FillMode mode) {
  if (place >= 0 && place < size) return place;
  if (mode == FillMode::constant) return -1;
  if (mode == FillMode::nearest) return place < 0 ? 0 : size - 1;
  int64_t folded = (place % (2 * size) + 2 * size) % (2 * size);
  return folded < size ? folded : 2 * size - 1 - folded;
}

// A picture moved by whole pixels.
template <typename T>
void move_pixels(const Map &map, const Fill &fill, const T *from, T *to, int64_t channels) {
  const auto source = [&](double scale, double offset, int64_t place, int64_t size) {
    return source_coordinate(static_cast<int64_t>(scale) * place + static_cast<int64_t>(offset), size, fill.mode);
  };
  std::vector<int64_t> columns(static_cast<size_t>(map.width));
  for (int64_t x = 0; x < map.width; ++x) columns[static_cast<size_t>(x)] = source(map.xx, map.x0, x, map.width);
  for (int64_t y = 0; y < map.height; ++y) {
    int64_t source_y = source(map.yy, map.y0, y, map.height);
    const T *row = from + (source_y < 0 ? 0 : source_y) * map.width * channels;
    for (int64_t x : columns)
      for (int64_t channel = 0; channel < channels; ++channel)
        *to++ = source_y < 0 || x < 0 ? static_cast<T>(fill.value) : row[x * channels + channel];
  }
}

// A picture moved by any map, pixels interpolated bilinearly.
void resample(const Map &map, const Fill &fill, const float *from, float *to, int64_t channels);

}  // namespace netc::runtime
