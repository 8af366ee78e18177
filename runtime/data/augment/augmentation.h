// Augmentation: what happens to the samples of a training batch, as listed in `augment`. The steps are optional parts
// of a program (runtime/data/module.h); this is what reads the list and runs them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <utility>
#include <vector>

#include "runtime/data/augment/step.h"
#include "runtime/data/dataset.h"
#include "runtime/data/module.h"

namespace netc::runtime {

struct Augmentation {
  std::vector<AugmentStep> steps;  // moves and changes
  std::vector<AugmentStep> mixes;  // one of them is drawn for each sample
  // Of each input's raw values: 0 and 255 of bytes, the smallest and largest of the training split of reals. Steps that
  // change values need them.
  std::vector<Amount> ranges;

  bool empty() const { return steps.empty() && mixes.empty(); }
  bool needs_ranges() const;
};

// The value of `augment`: null, a call or a list of calls.
Result<Augmentation> read_augmentation(const nlohmann::json &value, const Modules &modules);
// Fails when the inputs are not what the steps work on.
Result<void> check_augmentation(const Augmentation &augmentation, const std::vector<Field> &inputs);

// Makes the augmented pictures of one input. Keeps references to both; not to be used by two threads at a time.
class PictureAugmenter {
 public:
  // `input` tells the shape and the type of the pictures.
  PictureAugmenter(const Augmentation &augmentation, const Array &input, Amount range, uint64_t seed);

  // Whether bytes stay bytes: pixels are moved, none is computed.
  bool moves_only() const { return moves_only_; }
  // The picture `from` as it is seen in this epoch, raw values; `row` is the number of the sample in its set. Valid
  // until the next call.
  const uint8_t *moved(const uint8_t *from, uint32_t epoch, int64_t row);
  const float *augmented(const uint8_t *from, uint32_t epoch, int64_t row);
  const float *augmented(const float *from, uint32_t epoch, int64_t row);

 private:
  struct Moves {
    Map map;
    Fill fill;
    decltype(AugmentStep::resample) resample;
  };
  // The moves from `step` on that fill alike as one; `step` becomes the first behind them.
  Moves moves_from(size_t &step, uint32_t epoch, int64_t row) const;
  const float *augment(uint32_t epoch, int64_t row);

  const Augmentation &augmentation_;
  int64_t height_, width_, channels_;
  Amount range_;
  uint64_t seed_;
  bool moves_only_;
  std::vector<uint8_t> bytes_;
  std::vector<float> pixels_, other_;
};

// The step of `mixes` that blends this sample, chosen by lot, and its random numbers.
std::pair<const AugmentStep *, Draws> choose_mix(const Augmentation &augmentation, uint64_t seed, uint32_t epoch,
                                                 int64_t sample);

}  // namespace netc::runtime
