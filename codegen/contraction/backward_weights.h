// The gradient of a convolution with respect to its kernel, the plan that its two ways share: small kernels
// (backward_weights.cpp) and large ones (backward_weights_blocks.cpp).
#pragma once

#include <optional>

#include "codegen/contraction/blocking.h"
#include "codegen/contraction/convolution.h"
#include "codegen/contraction/grouped.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/tile.h"

namespace netc::contraction {

// The rows of the result in the order of memory: `outer` x `lines` x `run`, where the rows of a run read neighbouring
// elements of the input.
struct RowGrid {
  int64_t outer = 1, lines = 1, run = 1;
  int64_t outer_rows = 0, line_rows = 0;  // rows of the result from one to the next
  bool taps_in_run = false;  // the lines are kernel rows; otherwise kernel columns, the outer ones kernel rows
};

struct BackwardWeightsPlan {
  Convolution convolution;
  ImageSource source;
  RowGrid grid;
  Tiling tiling;
  Panels panels;
  std::optional<WalkPieces> walk;  // instead of these tiles
  int64_t group_count = 1;         // loops over groups: depthwise has none
  int64_t group_columns = 1;       // of the result, for one group
  int64_t rows = 1, columns = 1;   // of the whole result
  int64_t element_bytes = 4;
  int64_t band = 1;  // rows of an image that all tiles go over before the next ones

  int64_t pixels() const { return convolution.y.output * convolution.x.output; }
  int64_t partial_bytes() const { return (rows * columns * element_bytes + 63) / 64 * 64; }
  bool is_large() const { return partial_bytes() > 512 * 1024 && !walk && !convolution.depthwise(); }
};

// Elements of the image from an outer line, or a line, of the grid to the next.
int64_t outer_step(const BackwardWeightsPlan &plan, const Image &image);
int64_t line_step(const BackwardWeightsPlan &plan, const Image &image);
// [kernel row, kernel column, channel] of a row of the result.
std::vector<IndexValue> kernel_index(KernelEmitter &emitter, const Convolution &convolution, llvm::Value *row);

// Appends the stage; `work`: multiply-adds of an image.
void add_backward_weights_blocks(ContractionLowering &lowering, const BackwardWeightsPlan &plan, const Target &target,
                                 double work);

}  // namespace netc::contraction
