// Reductions at the end of a fused contraction, over every axis but the last: a batch norm's sums, taken from the
// results while they are in registers. Each chunk has partial results in scratch memory, [chunk][end][channel], which
// emit_combination (reduce_plan.h) adds up in order: the order of every sum is fixed by the shapes and the batch.
#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "codegen/reduce_plan.h"

namespace netc {

class ContractionSums {
 public:
  // `partial`: where the partial results of all chunks lie. `plan` outlives this.
  ContractionSums(const ReducePlan &plan, Kernel &kernel, llvm::Value *partial)
      : plan_(plan), kernel_(kernel), partial_(partial) {}

  // Starts the partial results of this chunk.
  void clear();
  // Adds what every end reduces at `point`, whose last index is the channel. The sums stay in registers ...
  void add(LaneBuilder &builder, BodyEvaluator &evaluator, const std::vector<LaneIndex> &point);
  // ... until this adds them to the partial results. No branch may skip an `add` and not the `settle` after it.
  void settle();

 private:
  using Key = std::tuple<llvm::Value *, int64_t, unsigned, llvm::Value *>;  // channel, lanes, mask
  struct Pending {
    LaneBuilder builder;
    LaneIndex channel;
    std::vector<llvm::Value *> sums;  // one for each end
  };
  const LaneIndex &place(LaneBuilder &builder, const LaneIndex &channel, size_t end);

  const ReducePlan &plan_;
  Kernel &kernel_;
  llvm::Value *partial_;
  std::vector<std::pair<Key, Pending>> pending_;  // in order of their first `add`
};

}  // namespace netc
