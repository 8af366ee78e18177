// Gatherer: copies chosen samples into the memory of a batch; bytes become f32, values are normalised, pictures
// augmented.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "runtime/data/augment/augmentation.h"
#include "runtime/data/dataset.h"
#include "runtime/data/selection.h"

namespace netc::runtime {

// Memory at a multiple of 64 bytes.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(size_t bytes)
      : memory_(static_cast<char *>(std::aligned_alloc(64, std::max<size_t>(64, (bytes + 63) / 64 * 64)))) {
    if (!memory_) std::abort();  // as operator new without memory
  }
  char *data() { return memory_.get(); }

 private:
  struct Free {
    void operator()(char *memory) const { std::free(memory); }
  };
  std::unique_ptr<char, Free> memory_;
};

class Gatherer {
 public:
  // Keeps a reference to `dataset`, which must not change.
  Gatherer(const Dataset &dataset, const Augmentation &augmentation, uint64_t seed);

  // Of each argument: inputs, targets, sample weight; where samples are mixed (mixup, cutmix) also the targets of the
  // other sample, and its weight. Without augmentation that is the sample itself, with the weight 0.
  const std::vector<int64_t> &bytes_per_sample() const { return bytes_per_sample_; }
  // Writes the samples of the selection one after another, one destination for each argument, the follower as well.
  // Safe to call from any one thread at a time.
  void gather(const Selection &selection, const std::vector<char *> &destinations);

 private:
  void gather_input(size_t index, const Selection &selection, char *destination);
  void gather_target(size_t index, const std::vector<int64_t> &rows, char *destination) const;
  void mix(const Selection &selection, const std::vector<char *> &destinations) const;
  float weight_of(int64_t row) const;

  const Dataset &dataset_;
  Augmentation augmentation_;
  uint64_t seed_;
  bool in_pairs_;
  std::vector<int64_t> bytes_per_sample_;
  std::vector<std::vector<float>> tables_;  // of an input of bytes: 256 normalised values for each of its groups
  std::vector<std::unique_ptr<PictureAugmenter>> augmenters_;  // of the inputs that are pictures
};

}  // namespace netc::runtime
