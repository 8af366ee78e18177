// The image that a convolution reads: the operand itself where its halo of zeros covers all that is read, otherwise
// a padded copy in scratch, made by a stage of its own.
#pragma once

#include <optional>

#include "codegen/contraction/geometry.h"
#include "codegen/kernel_emitter.h"

namespace netc::contraction {

struct ImageSource {
  Dim images;
  DType dtype = DType::f32;
  int64_t height = 1, width = 1, channels = 1;
  Range rows, columns;  // read
  bool padded = false;  // a copy is made
  // Elements of one padded image.
  int64_t padded_row() const { return (columns.high - columns.low + 1) * channels; }
  int64_t padded_size() const { return (rows.high - rows.low + 1) * padded_row(); }
};
ImageSource plan_image(const ValueLayout &layout, Range rows, Range columns);

// Appends the copying stage and its scratch to `lowering` if there is a copy. The copy lies at the start of the scratch
// memory.
void add_padding_stage(ContractionLowering &lowering, const ImageSource &source);

// Where pixel (0, 0) of an image is, and the strides in elements; channels are next to each other.
struct Image {
  llvm::Value *base;
  int64_t image_stride, row_stride, pixel_stride;
};
Image open_image(KernelEmitter &emitter, const ImageSource &source);

}  // namespace netc::contraction
