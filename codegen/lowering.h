// From one op of a planned function to the kernels that compute it: one function for each kind of op.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "codegen/body.h"
#include "codegen/kernel.h"
#include "codegen/kernel_emitter.h"

namespace netc {

// An op with everything its lowering needs. It outlives the emission of the stages.
struct OpTask {
  const Op *op = nullptr;
  const Function *function = nullptr;
  Function body;  // of a fused op, or the op itself
  std::vector<Storage> operands;
  std::vector<Storage> results;
  const Target *target = nullptr;
  ProgramBuilder *program = nullptr;
  int64_t scratch_fixed_at = 0;  // where scratch memory starts in the fixed and in the batch workspace
  int64_t scratch_batch_at = 0;
  bool constant_weights = false;  // the function is an inference function, before which `prepare` runs
};

// One parallel step; as KernelStage, over a kernel.
struct Stage {
  std::string suffix;
  Dim units{1, false};
  int64_t units_per_chunk = 1;
  double fixed_nanoseconds = 0;
  double batch_nanoseconds = 0;
  std::function<void(Kernel &)> emit;
  int64_t least_batch = 1;  // the stage is left out for batches smaller or larger
  int64_t most_batch = kAnyBatch;
  bool prepares = false;  // part of `prepare`, not of the op's own function
  int64_t units_per_chunk_of_one = 0;
};
struct Lowering {
  std::vector<Stage> stages;
  int64_t scratch_fixed = 0;
  int64_t scratch_batch = 0;
};

// Sets the cost of `elements` elements.
void set_cost(Stage &stage, Dim elements, double nanoseconds_each);
// How many units, of this many nanoseconds each, make a chunk: about 10 microseconds, or half of all that is to be done
// where that is less and still worth handing to another thread. A multiple of `multiple`; see even_units (chunks.h).
int64_t units_per_chunk(Dim units, double nanoseconds_per_unit, int64_t multiple = 1);
Dim product(std::span<const Dim> dims);

Lowering lower_map(const OpTask &task);          // elementwise
Lowering lower_reduce(const OpTask &task);       // reductions of elementwise values
Lowering lower_pull(const OpTask &task);         // each result element on its own
Lowering lower_push(const OpTask &task);         // each operand element into a zeroed result
Lowering lower_contraction(const OpTask &task);  // codegen/contraction, then the epilogue
Lowering lower_copy(const OpTask &task);         // result 0 = operand 0, row-major, whatever their shapes
Lowering lower_flip(const OpTask &task);         // flip_kernel
Lowering lower_orthogonal(const OpTask &task);   // calls the runtime
// Zeroes the halo of a result.
Stage zero_halo(const Storage &result);

}  // namespace netc
