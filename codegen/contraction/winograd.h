// Convolutions of 3 x 3 kernels in f32 by Winograd's algorithm: fewer multiplications (winograd_transform.h) at the
// price of transforms and of larger rounding errors (docs/codegen.md says how large).
//
// Both lowerings work through blocks of tiles of 4 x 4 results; a block's transformed inputs and products lie on the
// stack, so that they stay in the level-2 cache whatever the batch is.
#pragma once

#include <optional>

#include "codegen/contraction/convolution.h"

namespace netc::contraction {

// Nothing where the algorithm does not apply, or the target's policy says that the direct kernels are to be used.
std::optional<LoweringForBatches> plan_winograd(const Convolution &convolution, const ValueLayout &input,
                                                const Target &target, bool constant_kernel);
std::optional<LoweringForBatches> plan_winograd_weights(const Convolution &convolution, const ValueLayout &input,
                                                        const Target &target);

}  // namespace netc::contraction
