// What a kernel is to those who emit its body: where its operands and results are, which part of the work it does, and
// how a computed vector of results leaves it. The contraction lowering (codegen/contraction) is written against this.
//
// A kernel is a function `void kernel(context, chunk, places)` (nc_kernel of runtime/abi.h). All of its code is emitted
// into that one function through `ir()`; addresses are computed in its entry block, so they may be used anywhere in it.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "codegen/target.h"
#include "ir/graph.h"

namespace netc {

// How a value lies in memory: row-major over its shape grown by its halo (axes 1 and 2).
struct ValueLayout {
  Type type;
  Halo halo;
};

// The same with the address in a kernel.
struct Address {
  llvm::Value *base = nullptr;  // of logical element 0 (inside the halo)
  DType dtype = DType::f32;
  Shape shape;  // logical: without the halo
  Halo halo;
  std::vector<int64_t> strides;  // in elements, one for each axis; static, the batch axis too
  uint64_t alignment = 4;        // bytes, of `base`
};

// A logical index: `variable` (an i64, or null for none) plus a constant. Keep constants apart: they end up in
// the displacement of the address.
struct IndexValue {
  llvm::Value *variable = nullptr;
  int64_t constant = 0;
};

inline constexpr size_t kLastAxis = std::numeric_limits<size_t>::max();

class KernelEmitter {
 public:
  virtual ~KernelEmitter() = default;

  virtual llvm::IRBuilder<> &ir() = 0;
  virtual const Target &target() const = 0;
  virtual llvm::Value *context() = 0;  // ptr
  virtual llvm::Value *chunk() = 0;    // i64
  virtual llvm::Value *batch() = 0;    // i64, loaded in the entry block
  llvm::Function *function() { return ir().GetInsertBlock()->getParent(); }

  // Operand number `operand` of the contraction itself (0 and 1), whatever else the fused op reads.
  virtual const Address &operand(size_t operand) = 0;
  // Scratch memory of this op, 64-byte aligned, scratch_fixed + scratch_batch * B bytes, shared by all chunks and
  // stages (ContractionLowering).
  virtual llvm::Value *scratch() = 0;
  // How the work of a batch of 1 is cut in the end: KernelStage::units_per_chunk_of_one of the stage that is emitted.
  virtual int64_t units_per_chunk_of_one() const = 0;

  // Scratch memory beside it, scratch_apart bytes, for what does not grow with the batch where the other does.
  virtual llvm::Value *scratch_apart() = 0;

  // Runs the rest of the fused op on neighbouring results of the contraction along `lane_axis`, mostly the last, and
  // stores every result. `index` is the logical index of the first lane in the contraction's result, one for each axis;
  // `value` is a vector (or a scalar: one lane) of the contraction's dtype; `mask` (a vector of i1, or null: all lanes)
  // says which lanes are inside the result. Lanes outside are neither read from operands nor stored.
  virtual void finish(std::span<const IndexValue> index, llvm::Value *value, llvm::Value *mask = nullptr,
                      size_t lane_axis = kLastAxis) = 0;

  // To be called after the last `finish` of a tile and before every branch that may skip one: sums over results, which
  // a fused op may end in, leave their registers.
  virtual void settle() {}

  // The values in memory that `finish` reads and writes at the index itself: of the result's shape, batch first. What a
  // tile does not prefetch, its epilogue waits for.
  virtual std::vector<Address> finished() { return {}; }

  // for (i = begin; i < end; i += step): the insertion point is inside the body during `body`, and after the loop on
  // return. Loops are not unrolled or vectorised by LLVM. begin, end: i64.
  virtual void loop(llvm::Value *begin, llvm::Value *end, int64_t step,
                    const std::function<void(llvm::Value *i)> &body) = 0;
};

inline constexpr int64_t kAnyBatch = std::numeric_limits<int64_t>::max();

// One parallel step of a lowering: `count` chunks, independent of each other.
struct KernelStage {
  std::string suffix;   // of the kernel's name: "pack", "tile", "combine"; empty for the only one
  Dim units{1, false};  // of work: fixed or growing with the batch, never a function of the threads
  int64_t units_per_chunk =
      1;  // chunk number c does the units [c * units_per_chunk, min(units, (c + 1) * units_per_chunk))
  int64_t units_per_chunk_of_one = 0;  // for a batch of 1, where it is cut finer; 0: as for others
  double fixed_nanoseconds = 0;        // estimated cost of all chunks on one core: fixed + batch * B
  double batch_nanoseconds = 0;
  int64_t least_batch = 1;  // the stage is left out for batches smaller or larger
  int64_t most_batch = kAnyBatch;
  int64_t apart_at = 0;   // bytes: where its part of scratch_apart() begins, which scratch_apart() gives it
  bool prepares = false;  // computes what ContractionLowering::prepared_as says
  std::function<void(KernelEmitter &)> emit;  // emits the body for emitter.chunk(); falls through at its end
};

// What plan_contraction decided. The stages run in order, each after the end of the one before; of those that
// run for a batch the last one alone calls `finish`.
struct ContractionLowering {
  int64_t scratch_fixed = 0;  // bytes: fixed + batch * B; multiples of 64
  int64_t scratch_batch = 0;
  int64_t scratch_apart = 0;  // bytes of a piece of their own, a multiple of 64
  std::vector<KernelStage> stages;
  // Not empty: stages that say so compute all that is in the memory apart from operand 1 alone, and those of another
  // lowering of the same operand that says the same compute the same. They need not run again until it changes.
  std::string prepared_as;
};

// `contraction` is a matmul, conv2d or conv2d_backward_weights (with the types and halos of its operands and result;
// the halo of the result is zeroed by the caller). Any float type; of bf16 the result is f32. Any shape that the op's
// rule accepts, batch axes anywhere. The order of every sum depends on the shapes and the batch alone.
// `constant_kernel`: stages that prepare operand 1 cost nothing, they hardly ever run. Implemented in
// codegen/contraction.
ContractionLowering plan_contraction(const Op &contraction, std::span<const ValueLayout> operands,
                                     const ValueLayout &result, const Target &target, bool constant_kernel = false);

}  // namespace netc
