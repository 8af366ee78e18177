// Matrix products that are summed over many rows, the pixels of a 1x1 convolution: the gradient of its weights.
#pragma once

#include "codegen/contraction/matmul.h"

namespace netc::contraction {

// result[rows, columns] = sum over steps: a[steps, rows] * b[steps, columns], with far more steps than samples.
bool is_summed_over_pixels(const Matmul &matmul, const Target &target);
ContractionLowering plan_sum_over_pixels(const Matmul &matmul, const Target &target);

}  // namespace netc::contraction
