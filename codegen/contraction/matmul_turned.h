// A matrix product with a transposed right side, turned: the rows of B are multiplied with vectors along the rows of A.
#pragma once

#include "codegen/contraction/matmul.h"

namespace netc::contraction {

// result[batch, columns] = a[batch, steps] * b[columns, steps]: the gradient that a dense layer hands back. B, the
// larger side, is read as it lies; A and the result are transposed instead. Pays where there are many steps.
bool can_turn(const Matmul &matmul, const Target &target);
ContractionLowering plan_turned_matmul(const Matmul &matmul, const Target &target);

}  // namespace netc::contraction
