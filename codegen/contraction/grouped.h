// Depthwise convolutions, and others in small groups, by walks through the image (walk.h), for the kernels that
// has_walk says yes to.
#pragma once

#include "codegen/contraction/image.h"
#include "codegen/contraction/walk.h"

namespace netc::contraction {

// What later tiles will touch of an image, prefetched by the channels of a tile where a batch does not fit into the
// caches near the core: there it gains a fifth, in these caches it would cost as much.
class WalkAhead {
 public:
  WalkAhead(KernelEmitter &emitter, const Convolution &convolution);

  // Rows and columns of pixels: `row` and `column` are relative to `start`.
  struct Pixels {
    llvm::Value *start;
    int64_t row_stride, pixel_stride;  // elements
    int64_t row, rows, column, columns;
    int64_t lines = 1;  // of the cache that belong to one of filters
  };
  // `filter`: the first of the tile.
  void prefetch(const std::vector<Pixels> &all, llvm::Value *filter) const;

 private:
  KernelEmitter &emitter_;
  llvm::Type *element_;
  llvm::Value *far_;  // i1
};
// The inputs that the tile below is the first to read.
WalkAhead::Pixels inputs_below(const Convolution &convolution, const Walk &walk, llvm::Value *inputs,
                               int64_t row_stride, int64_t pixel_stride);

// Such a convolution, or the gradient of one with respect to its input.
ContractionLowering plan_grouped(const Convolution &convolution, const ValueLayout &input, const Target &target,
                                 bool constant_kernel);

// Adds what one image gives to the gradient of the kernel to `sums`, [tap row][tap column][channel of the
// group][filter].
void accumulate_grouped(KernelEmitter &emitter, const Convolution &convolution, const WalkPieces &pieces,
                        const Image &image, llvm::Value *image_number, llvm::Value *sums);

}  // namespace netc::contraction
