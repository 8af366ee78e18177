// Contractions of bf16 operands as dot products of pairs, for a target with bf16_pairs: two neighbours of the axis that
// is summed over lie in the place of one f32, so half as many steps do the same, and the kernels for f32 do it with
// another multiply-add.
//
//     axis                                      pairs
//     channels of a, or of a transposed b       as they lie; where odd, a copy with a zero at the end
//     rows of b, channels of a kernel           two rows become one of pairs, by prepare where b is constant
//     samples or pixels, of both (gradients)    two samples, or two rows of one, become one of pairs
#pragma once

#include <optional>

#include "codegen/kernel_emitter.h"

namespace netc::contraction {

// Nothing where an axis cannot be paired: depthwise convolutions, sums over a single step, products whose columns are
// the batch.
std::optional<ContractionLowering> plan_paired(const Op &op, std::span<const ValueLayout> operands,
                                               const ValueLayout &result, const Target &target, bool constant_kernel);

}  // namespace netc::contraction
