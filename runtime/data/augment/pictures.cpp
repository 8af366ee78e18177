// Running the steps over pictures.
#include "runtime/data/augment/augmentation.h"

namespace netc::runtime {

PictureAugmenter::PictureAugmenter(const Augmentation &augmentation, const Array &input, Amount range, uint64_t seed)
    : augmentation_(augmentation),
      height_(input.shape[0]),
      width_(input.shape[1]),
      channels_(input.shape[2]),
      range_(range),
      seed_(seed) {
  size_t behind = 0;
  bool whole_pixels = augmentation.steps[0].move && moves_from(behind, 0, 0).resample == move_pixels<float>;
  moves_only_ =
      whole_pixels && behind == augmentation.steps.size() && std::holds_alternative<std::vector<uint8_t>>(input.values);
  size_t elements = static_cast<size_t>(input.elements());
  if (moves_only_) {
    bytes_.resize(elements);
  } else {
    pixels_.resize(elements);
    other_.resize(elements);
  }
}

PictureAugmenter::Moves PictureAugmenter::moves_from(size_t &step, uint32_t epoch, int64_t row) const {
  Moves moves{{.height = height_, .width = width_}, {}, move_pixels<float>};
  bool fills = false;
  for (; step < augmentation_.steps.size(); ++step) {
    const AugmentStep &next = augmentation_.steps[step];
    if (!next.move || (fills && next.fills && next.fill != moves.fill)) break;
    if (next.fills) moves.fill = next.fill;
    fills |= next.fills;
    if (next.resample) moves.resample = next.resample;
    Draws draws(seed_, epoch, row, step);
    next.move(next, draws, moves.map);
  }
  return moves;
}

const uint8_t *PictureAugmenter::moved(const uint8_t *from, uint32_t epoch, int64_t row) {
  size_t step = 0;
  Moves moves = moves_from(step, epoch, row);
  move_pixels(moves.map, moves.fill, from, bytes_.data(), channels_);
  return bytes_.data();
}

const float *PictureAugmenter::augmented(const uint8_t *from, uint32_t epoch, int64_t row) {
  for (size_t e = 0; e < pixels_.size(); ++e) pixels_[e] = static_cast<float>(from[e]);
  return augment(epoch, row);
}

const float *PictureAugmenter::augmented(const float *from, uint32_t epoch, int64_t row) {
  std::copy_n(from, pixels_.size(), pixels_.data());
  return augment(epoch, row);
}

const float *PictureAugmenter::augment(uint32_t epoch, int64_t row) {
  for (size_t step = 0; step < augmentation_.steps.size();) {
    const AugmentStep &next = augmentation_.steps[step];
    if (next.change) {
      Draws draws(seed_, epoch, row, step++);
      next.change(next, draws, {pixels_.data(), height_, width_, channels_, range_.low, range_.high});
    } else {
      Moves moves = moves_from(step, epoch, row);
      moves.resample(moves.map, moves.fill, pixels_.data(), other_.data(), channels_);
      pixels_.swap(other_);
    }
  }
  return pixels_.data();
}

}  // namespace netc::runtime
