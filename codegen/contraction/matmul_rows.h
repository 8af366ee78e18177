// Matrix products of many rows, the pixels of a 1x1 convolution, with a right side that fits the second-level cache.
#pragma once

#include "codegen/contraction/matmul.h"

namespace netc::contraction {

// result[rows, columns] = a[rows, steps] * b[steps, columns], whose memory traffic is in A and the result: each row of
// theirs is touched once, in one piece.
bool has_many_rows(const Matmul &matmul, const Target &target);

// The images whose pixels are the rows; 0: the operands and the result are matrices.
struct PixelGrid {
  int64_t height = 0, width = 0;
};
ContractionLowering plan_many_rows(const Matmul &matmul, const Target &target, bool constant_b, PixelGrid grid = {});

}  // namespace netc::contraction
