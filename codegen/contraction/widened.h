// Contractions of bf16 operands where the processor has nothing better: the operands are copied as f32 and multiplied
// by the kernels for f32, which add up in f32 as bf16 products are to be. The copies are exact.
#pragma once

#include "codegen/kernel_emitter.h"

namespace netc::contraction {

ContractionLowering plan_widened(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result,
                                 const Target &target, bool constant_kernel);

}  // namespace netc::contraction
