// Convolutions that are matrix products.
#pragma once

#include "codegen/lowering.h"

namespace netc {

// A 1x1 convolution of stride 1 without padding or groups sees every pixel by itself, and so does the gradient of its
// weights: where nothing in the task has a halo, its images [B, H, W, C] are turned into matrices [B*H*W, C], which are
// the same memory, and the convolution into a matmul. Any other task stays what it is.
void flatten_pointwise(OpTask &task);

}  // namespace netc
