// Augmentation: what happens to the images of a training batch. Each decision is a counter-based random number of
// (seed, epoch, sample), so it does not depend on the batch, the threads or a restart.
//
//   flip(horizontal), flip(vertical), flip(both)   mirrored with probability 1/2 for each direction
//   translate(f) or translate(fy, fx)              moved by whole pixels, uniform in [-f, f] of the height and width
//        fill = reflect (default, the edge pixel is repeated: d c b a | a b c d | d c b a), nearest or constant (0)
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "support/result.h"

namespace netc::runtime {

enum class Fill { reflect, nearest, constant };

struct Augmentation {
  bool flip_horizontal = false;
  bool flip_vertical = false;
  float translate_y = 0;  // share of the height
  float translate_x = 0;
  Fill fill = Fill::reflect;

  bool empty() const { return !flip_horizontal && !flip_vertical && translate_y == 0 && translate_x == 0; }
};

// The value of `augment`: null, a call or a list of calls.
Result<Augmentation> augmentation_from_json(const nlohmann::json &json);

// What is decided for one sample. The pixel (y, x) of the result comes from the pixel
// (mirror_y(y - shift_y), mirror_x(x - shift_x)) of the source.
struct Placement {
  bool flip_horizontal = false;
  bool flip_vertical = false;
  int64_t shift_y = 0;
  int64_t shift_x = 0;
};
Placement place(const Augmentation &augmentation, uint64_t seed, uint32_t epoch, int64_t sample, int64_t height,
                int64_t width);
// The source coordinate of `position` along an axis of `size`, or -1: constant fill.
int64_t source_coordinate(int64_t position, int64_t shift, bool flip, int64_t size, Fill fill);

}  // namespace netc::runtime
