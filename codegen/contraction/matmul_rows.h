// Matrix products of many rows, the pixels of a 1x1 convolution, with a right side that fits the second-level cache.
#pragma once

#include "codegen/contraction/matmul.h"

namespace netc::contraction {

// result[rows, columns] = a[rows, steps] * b[steps, columns], whose memory traffic is in A and the result: each row of
// theirs is touched once, in one piece.
bool has_many_rows(const Matmul &matmul, const Target &target);
ContractionLowering plan_many_rows(const Matmul &matmul, const Target &target);

}  // namespace netc::contraction
