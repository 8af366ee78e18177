// Who computes a case: netc, a library, or the machine's limit itself. A contestant makes everything ready outside of
// the time and returns what is timed: one call. An empty Run: it cannot do this case.
#pragma once

#include <functional>
#include <string>

#include "bench/kernel_bench/case.h"
#include "codegen/target.h"

namespace netc::kernel_bench {

using Run = std::function<void()>;

// netc. Operands lie as the compiler lays them out: halos around images, kernels row-major.
Run netc_contraction(const Case &test, const TargetOptions &options);
// Of a function of its own, with contiguous operands.
Run netc_sweep(const Sweep &sweep, const TargetOptions &options);
// The code of a contraction as text.
std::string contraction_ir(const Case &test, const TargetOptions &options);

// oneDNN with weights, inputs and results in the layouts it likes best, its scratch memory given. `variant`: another
// way of doing the same, from 0; empty when there is no such.
Run onednn(const Case &test, int variant);
constexpr int kOnednnVariants = 2;
Run openblas(const Case &test);

// The machine: multiply-adds in registers, or a copy of as many bytes as the value of a sweep. `amount` becomes the
// operations, or the bytes read and written, of one call.
Run limit(const Case &test, const Target &target, double &amount);

}  // namespace netc::kernel_bench
