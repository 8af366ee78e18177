// A kernel that does nothing but multiply-adds in registers: the limit that `./model bench` measures shares of, with
// the same vectors and in the same run as the kernels themselves.
#pragma once

#include <llvm/IR/Function.h>

#include "codegen/program_builder.h"

namespace netc {

// nc_kernel whose argument `chunk` is the number of rounds.
llvm::Function *emit_fma_peak(ProgramBuilder &program);
// Multiplications and additions of one round.
double fma_peak_flops(const Target &target);

}  // namespace netc
