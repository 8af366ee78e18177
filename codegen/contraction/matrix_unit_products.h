// Contractions of bf16 on the matrix unit (matrix_unit.h). Each gives nothing where the shapes do not suit the unit;
// the caller knows that the target has it.
#pragma once

#include <optional>

#include "codegen/contraction/convolution.h"
#include "codegen/contraction/matmul.h"

namespace netc::contraction {

std::optional<ContractionLowering> plan_tiled_matmul(const Matmul &matmul, bool constant_kernel);
std::optional<ContractionLowering> plan_tiled_convolution(const Convolution &convolution, const ValueLayout &input,
                                                          bool constant_kernel);
// The gradients with respect to a matrix and to a kernel: sums over the batch and over pixels.
std::optional<ContractionLowering> plan_tiled_matmul_weights(const Matmul &matmul);
std::optional<ContractionLowering> plan_tiled_backward_weights(const Convolution &convolution,
                                                               const ValueLayout &input);

}  // namespace netc::contraction
