// Pictures of numbers: maps side by side on one PNG.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace netc::runtime {

// `maps` pictures of height x width x channels (1: grey, 3: RGB); number k of map m lies at values[m * map_step +
// k * value_step], so maps may be interleaved. Each map has its own scale: black its least number, white its greatest,
// where all are at least 0 black is 0; a map of one value is black.
struct Maps {
  std::span<const float> values;
  int64_t maps = 1, height = 1, width = 1, channels = 1;
  int64_t map_step = 1, value_step = 1;
  bool one_scale = false;  // for all maps together
};

// A PNG file: about as many columns as rows, small maps enlarged, at most kMostMaps of them.
inline constexpr int64_t kMostMaps = 256;
std::string grid_png(const Maps &maps);

}  // namespace netc::runtime
