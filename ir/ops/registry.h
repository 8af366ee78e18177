// The families of ops: one function for each file of ir/ops, returning its records. registry.cpp puts them into one
// table.
#pragma once

#include <vector>

#include "ir/op.h"

namespace netc::ops {

#define NETC_OP_FAMILIES(family)                                                                                      \
  family(unary) family(binary) family(comparison) family(logical) family(select) family(cast) family(broadcast_to)    \
      family(state) family(shape_numbers) family(gradient) family(fused) family(reduction) family(reduce_mean)        \
          family(argmax) family(reshape) family(matmul) family(conv2d) family(conv2d_backward_weights) family(pool2d) \
              family(transpose) family(pad) family(slice) family(concatenate) family(reverse) family(gather)          \
                  family(one_hot) family(up_sampling2d) family(random) family(dropout) family(softmax)                \
                      family(batch_norm) family(pivot) family(flip_kernel) family(orthogonal)

#define NETC_DECLARE_FAMILY(name) std::vector<OpDef> name##_ops();
NETC_OP_FAMILIES(NETC_DECLARE_FAMILY)
#undef NETC_DECLARE_FAMILY

}  // namespace netc::ops
