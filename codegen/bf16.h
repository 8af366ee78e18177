// bf16 in registers: 16 bits, the upper half of an f32, as an integer. LLVM's own type is not used: where the processor
// lacks instructions for it, it becomes calls of library functions.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include "codegen/target.h"

namespace netc {

// Numbers, or vectors of them: float to i16, rounded to nearest, ties to even. Not a number stays so. Where the
// processor has an instruction for it, it takes numbers below 2^-126 for zeros.
llvm::Value *emit_to_bf16(llvm::IRBuilder<> &ir, const Target &target, llvm::Value *x);
// i16 to float: exact.
llvm::Value *emit_from_bf16(llvm::IRBuilder<> &ir, llvm::Value *x);
// sum + x * y, where x and y are pairs of bf16 in the place of a float and both products are added up in f32; for a
// target with bf16_pairs. Floats, or vectors of up to 16. The instruction takes numbers below 2^-126 for zeros, sums
// too.
llvm::Value *emit_bf16_pair_products(llvm::IRBuilder<> &ir, llvm::Value *x, llvm::Value *y, llvm::Value *sum);

}  // namespace netc
