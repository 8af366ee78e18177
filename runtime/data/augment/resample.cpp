// Bilinear interpolation. Pixels of a row are taken 32 at a time: first their places and weights, in loops of a fixed
// length that become vector instructions, then the four neighbours of each.
#include <algorithm>

#include "runtime/data/augment/map.h"

namespace netc::runtime {
namespace {

constexpr int64_t kChunk = 32;

// The two neighbours of a place along one axis, and their weights. Outside of a constant fill's picture weights are 0.
struct Taps {
  int32_t first[kChunk], second[kChunk];
  float first_weight[kChunk], second_weight[kChunk];
};

inline float floor_of(float value) {  // of values within an int32_t; std::floor would be a call
  auto whole = static_cast<float>(static_cast<int32_t>(value));
  return whole > value ? whole - 1 : whole;
}

// The places are start + step * k.
void find_taps(FillMode mode, float start, float step, float size, Taps &taps) {
  float places[kChunk];
  for (int64_t k = 0; k < kChunk; ++k) places[k] = start + step * static_cast<float>(k);
  if (mode == FillMode::constant) {
    for (int64_t k = 0; k < kChunk; ++k) {
      float place = std::min(std::max(places[k], -1.0f), size);
      float first = static_cast<float>(static_cast<int32_t>(place + 1)) - 1, part = place - first;
      taps.first_weight[k] = first >= 0 && first < size ? 1 - part : 0;
      taps.second_weight[k] = first < size - 1 ? part : 0;
      taps.first[k] = static_cast<int32_t>(std::min(std::max(first, 0.0f), size - 1));
      taps.second[k] = static_cast<int32_t>(std::min(first + 1, size - 1));
    }
    return;
  }
  if (mode == FillMode::reflect) {
    float period = 2 * size, frequency = 1 / period;
    for (int64_t k = 0; k < kChunk; ++k) {
      float place = places[k] + 0.5f;
      place -= period * floor_of(place * frequency);
      places[k] = std::min(place, period - place) - 0.5f;
    }
  }
  for (int64_t k = 0; k < kChunk; ++k) {
    float place = std::min(std::max(places[k], 0.0f), size - 1);
    auto first = static_cast<int32_t>(place);
    float part = place - static_cast<float>(first);
    taps.first_weight[k] = 1 - part;
    taps.second_weight[k] = part;
    taps.first[k] = first;
    taps.second[k] = static_cast<int32_t>(std::min(static_cast<float>(first) + 1, size - 1));
  }
}

template <int kChannels>
void interpolate(const Taps &rows, const Taps &columns, int64_t count, const Fill &fill, const float *from, float *to,
                 int64_t width, int64_t channels) {
  if constexpr (kChannels > 0) channels = kChannels;
  float outside = fill.mode == FillMode::constant ? fill.value : 0;
  for (int64_t k = 0; k < count; ++k) {
    const float *upper = from + rows.first[k] * width * channels, *lower = from + rows.second[k] * width * channels;
    int64_t left = columns.first[k] * channels, right = columns.second[k] * channels;
    float up = rows.first_weight[k], down = rows.second_weight[k];
    float a = columns.first_weight[k], b = columns.second_weight[k];
    float rest = outside * (1 - (up + down) * (a + b));
    for (int64_t c = 0; c < channels; ++c)
      *to++ = up * (a * upper[left + c] + b * upper[right + c]) + down * (a * lower[left + c] + b * lower[right + c]) +
              rest;
  }
}

}  // namespace

void resample(const Map &map, const Fill &fill, const float *from, float *to, int64_t channels) {
  if (map.whole()) return move_pixels(map, fill, from, to, channels);
  auto height = static_cast<float>(map.height), width = static_cast<float>(map.width);
  auto draw = interpolate<0>;
  if (channels == 1) draw = interpolate<1>;
  if (channels == 3) draw = interpolate<3>;
  Taps rows, columns;
  for (int64_t y = 0; y < map.height; ++y)
    for (int64_t x = 0; x < map.width; x += kChunk) {
      double fy = static_cast<double>(y), fx = static_cast<double>(x);
      find_taps(fill.mode, static_cast<float>(map.yy * fy + map.yx * fx + map.y0), static_cast<float>(map.yx), height,
                rows);
      find_taps(fill.mode, static_cast<float>(map.xy * fy + map.xx * fx + map.x0), static_cast<float>(map.xx), width,
                columns);
      int64_t count = std::min(kChunk, map.width - x);
      draw(rows, columns, count, fill, from, to, map.width, channels);
      to += count * channels;
    }
}

}  // namespace netc::runtime
