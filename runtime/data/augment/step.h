// What one augmentation does: `rotate(10 deg)` in the list `augment` becomes an AugmentStep.
//
// Steps work on the raw values of a sample, before they are normalised, in the order of the list. There are three
// kinds:
//   move    says where the pixels of the result come from; neighbours in the list that fill alike become one map, and
//           pixels are interpolated once
//   change  computes new values in place and keeps them within the range of the data
//   mix     blends the sample with another one; comes after all others
// What is decided by lot are counter-based random numbers of (seed, epoch, sample, place in the list).
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "runtime/data/augment/map.h"
#include "runtime/random.h"
#include "support/result.h"

namespace netc::runtime {

// The place of the choice among several mixes; a list has fewer steps.
inline constexpr size_t kChoiceOfMix = 31;

// Random numbers of one step for one sample. Sample numbers lie below 2^36, places in the list below 32.
class Draws {
 public:
  Draws(uint64_t seed, uint32_t epoch, int64_t sample, size_t step)
      : seed_(seed), epoch_(epoch), element_(static_cast<uint64_t>(sample) | static_cast<uint64_t>(step) << 36) {}

  // Four words; block n does not depend on what was drawn before.
  PhiloxWords block(uint64_t n) const { return random_words(seed_, RandomUse::augment, epoch_, element_ | n << 41); }
  uint32_t word() {
    if (next_ % 4 == 0) words_ = block(next_ / 4);
    return words_[next_++ % 4];
  }
  // In [0, 1).
  float uniform() { return netc::runtime::uniform(word()); }

 private:
  uint64_t seed_;
  uint32_t epoch_;
  uint64_t element_;
  uint64_t next_ = 0;
  PhiloxWords words_{};
};

// An amount that is drawn anew for each sample, uniform in [low, high).
struct Amount {
  float low = 0, high = 0;
  float draw(Draws &draws) const { return low + (high - low) * draws.uniform(); }
};

// A picture [height, width, channels] of raw values between `low` and `high`.
struct Picture {
  float *pixels;
  int64_t height, width, channels;
  float low, high;

  int64_t elements() const { return height * width * channels; }
  float clamped(float value) const { return std::min(std::max(value, low), high); }
};

// How a sample is blended with another: every value is share * own + (1 - share) * other (mixup), or a box comes from
// the other (cutmix).
struct Mixture {
  float share = 1;
  float top = 0, left = 0, bottom = 0, right = 0;  // in parts of the height and width
};

struct AugmentStep {
  Amount first, second;   // what they are is up to the step
  bool flags[2] = {};     // of flip: horizontal, vertical; of zoom: its second amount is the first
  bool fills = true;      // of a move: whether it needs pixels from outside of the picture
  Fill fill;              // where they come from
  int64_t channels = 0;   // that a picture must have; 0: any number
  bool pictures = true;   // whether it works on pictures f32[height, width, channels] only
  const char *name = "";  // for errors

  // One of the three is set.
  void (*move)(const AugmentStep &, Draws &, Map &) = nullptr;
  void (*change)(const AugmentStep &, Draws &, const Picture &) = nullptr;
  Mixture (*mix)(const AugmentStep &, Draws &) = nullptr;
  // Of a mix: blends one input, of this shape, in place and returns the share of its own.
  float (*blend)(const Mixture &, const std::vector<int64_t> &shape, float *own, const float *other) = nullptr;
  // Of a move that is not by whole pixels: makes the moved picture.
  void (*resample)(const Map &, const Fill &, const float *from, float *to, int64_t channels) = nullptr;
};

// From {"call": "rotate", ...} or {"name": "flip"}. The name is the step's own.
using ReadAugmentStep = Result<AugmentStep> (*)(const nlohmann::json &call);

}  // namespace netc::runtime
