// Matrix products: dense layers and their gradients.
#pragma once

#include "codegen/kernel_emitter.h"

namespace netc::contraction {

// result[rows, columns] = sum over steps; any one of the sizes may be the batch.
struct Matmul {
  DType dtype = DType::f32;
  Dim rows, columns, steps;
  bool transpose_a = false;  // a is [steps, rows]
  bool transpose_b = false;  // b is [columns, steps]
};
Matmul read_matmul(const Op &op, std::span<const ValueLayout> operands);

ContractionLowering plan_matmul(const Matmul &matmul, const Target &target, bool constant_kernel = false);

}  // namespace netc::contraction
