// How a reduction of elementwise values runs. The order of every sum is fixed by the shapes and the batch:
//
// - The last axis of the space is the vector axis. When it is kept, its lanes are independent sums; when it is reduced,
//   lanes are partial sums that a tree of halves adds up at the end.
// - Long sums run in blocks of 128 steps whose totals are added in turn, in several accumulators, so that rounding
//   errors stay small.
// - When too little is kept to go round the threads, the first reduced axis is cut into chunks; their partial results
//   go to scratch memory and a second stage adds them in order.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "codegen/lowering.h"

namespace netc {

struct ReduceEnd {
  Reduction kind;
  ValueId value;  // what is reduced
  size_t result;  // number of the result of the op
  DType dtype;
};

// Everything that is decided before emission.
struct ReducePlan {
  const OpTask *task = nullptr;
  IterationSpace space;
  std::vector<ReduceEnd> ends;
  std::vector<size_t> streamed;  // results that are elementwise values
  std::vector<size_t> kept;      // axes in order; without the vector axis
  std::vector<size_t> reduced;   // axes in order; without the vector axis
  std::optional<size_t> vector_axis;
  bool vector_reduced = false;
  unsigned lanes = 1;
  std::optional<size_t> split;  // the axis cut into chunks
  Dim units;
  int64_t units_per_chunk = 1;
  Dim kept_elements;  // of one reduction
};

ReducePlan make_reduce_plan(const OpTask &task);

// Sums the chunk; with `split`, into its partial results in scratch memory.
void emit_reduction(const ReducePlan &plan, Kernel &kernel);
// Where the partial result of kept element number `element` is: [chunk][end][kept elements], each chunk in cache lines
// of its own, which another core may be writing its sums to.
Index partial_place(LaneBuilder &builder, const ReducePlan &plan, llvm::Value *chunk, size_t end, const Index &element);
// Bytes of the partial results of all chunks; for each sample where units grow with the batch.
int64_t partial_bytes(const ReducePlan &plan);
// The stage that adds the partial results of all chunks, in order, in blocks: chunks of kept elements.
Stage combination_stage(std::shared_ptr<const ReducePlan> plan);

}  // namespace netc
