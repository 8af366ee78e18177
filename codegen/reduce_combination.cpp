#include <algorithm>
#include <cmath>

#include "codegen/chunks.h"
#include "codegen/reduce_plan.h"

namespace netc {
namespace {

// Partial results of a chunk, filled up to whole cache lines.
int64_t chunk_elements(const ReducePlan &plan) {
  constexpr int64_t kLine = 16;
  return (static_cast<int64_t>(plan.ends.size()) * plan.kept_elements.size + kLine - 1) / kLine * kLine;
}

// The axes that are kept; the last one is cut into chunks.
std::vector<size_t> kept_axes(const ReducePlan &plan) {
  std::vector<size_t> kept;
  for (size_t axis = 0; axis < plan.space.axes.size(); ++axis)
    if (!plan.space.reduced[axis]) kept.push_back(axis);
  return kept;
}

class CombinationEmitter {
 public:
  CombinationEmitter(const ReducePlan &plan, Kernel &kernel) : plan_(plan), kernel_(kernel), kept_(kept_axes(plan)) {
    const OpTask &task = *plan.task;
    for (const Storage &storage : task.results) results_.push_back(kernel.address(storage));
    partial_ = plan.units.batch ? kernel.batch_space(task.scratch_batch_at) : kernel.fixed_space(task.scratch_fixed_at);
    chunks_ =
        kernel.ir.CreateSDiv(kernel.ir.CreateNSWAdd(kernel.size(plan.units), kernel.i64(plan.units_per_chunk - 1)),
                             kernel.i64(plan.units_per_chunk));
  }

  void emit(Dim units, int64_t units_per_chunk) {
    auto [first, last] = kernel_.chunk_range(units, units_per_chunk);
    first_ = first;
    last_ = last;
    if (units.size % units_per_chunk == 0) count_ = units_per_chunk;
    nest(0, std::vector<LaneIndex>(plan_.space.axes.size()));
  }

 private:
  void nest(size_t depth, std::vector<LaneIndex> point) {
    if (depth == kept_.size()) {
      LaneBuilder builder(kernel_, 1);
      return combine(builder, point);
    }
    size_t axis = kept_[depth];
    if (depth + 1 < kept_.size()) {
      kernel_.loop(kernel_.i64(0), kernel_.size(plan_.space.axes[axis]), 1, [&](llvm::Value *i) {
        point[axis].base = i;
        nest(depth + 1, point);
      });
      return;
    }
    // Several vectors together, so that partial results are read in long runs.
    unsigned lanes = plan_.lanes;
    while (count_ && lanes < kVectors * plan_.lanes && *count_ % (2 * lanes) == 0) lanes *= 2;
    for_lanes(kernel_, lanes, first_, last_, count_, [&](LaneBuilder &builder, LaneIndex i) {
      point[axis] = i;
      combine(builder, point);
    });
  }

  // All ends at these places: blocks of 16 chunks are summed by themselves.
  void combine(LaneBuilder &builder, const std::vector<LaneIndex> &point) {
    std::vector<Index> index;
    for (const LaneIndex &i : point) index.push_back(builder.make(i));
    Index element = builder.index(0);
    int64_t stride = 1;
    for (size_t n = kept_.size(); n-- > 0;) {
      element = builder.add(element, builder.scale(index[kept_[n]], stride));
      stride *= plan_.space.axes[kept_[n]].size;
    }
    Kernel::Values start;
    for (const ReduceEnd &end : plan_.ends) start.push_back(builder.identity(end.kind, end.dtype));
    llvm::IRBuilder<> &ir = kernel_.ir;
    Kernel::Values total =
        kernel_.loop(kernel_.i64(0), chunks_, 16, start, [&](llvm::Value *from, const Kernel::Values &outer) {
          llvm::Value *to = ir.CreateNSWAdd(from, kernel_.i64(16));
          to = ir.CreateSelect(ir.CreateICmpSLT(to, chunks_), to, chunks_);
          Kernel::Values sums = kernel_.loop(from, to, 1, start, [&](llvm::Value *chunk, const Kernel::Values &inner) {
            Kernel::Values next;
            for (size_t e = 0; e < plan_.ends.size(); ++e) {
              LaneIndex at = builder.at(partial_place(builder, plan_, chunk, e, element));
              llvm::Value *part =
                  builder.spread(builder.value(builder.load_element(partial_, plan_.ends[e].dtype, at)));
              next.push_back(builder.combine(plan_.ends[e].kind, inner[e], part));
            }
            return next;
          });
          for (size_t e = 0; e < sums.size(); ++e) sums[e] = builder.combine(plan_.ends[e].kind, outer[e], sums[e]);
          return sums;
        });
    for (size_t e = 0; e < plan_.ends.size(); ++e) {
      const ReduceEnd &end = plan_.ends[e];
      builder.store_element(results_[end.result].base, end.dtype,
                            builder.offset_of(plan_.space.results[end.result].strides, index),
                            builder.make(total[e], end.dtype));
    }
  }

  static constexpr unsigned kVectors = 4;

  const ReducePlan &plan_;
  Kernel &kernel_;
  std::vector<size_t> kept_;
  std::vector<Address> results_;
  llvm::Value *partial_, *chunks_;
  llvm::Value *first_ = nullptr, *last_ = nullptr;  // of the last kept axis
  std::optional<int64_t> count_;
};

}  // namespace

Index partial_place(LaneBuilder &builder, const ReducePlan &plan, llvm::Value *chunk, size_t end,
                    const Index &element) {
  Index start = builder.scale(builder.variable(chunk), chunk_elements(plan));
  start = builder.add(start, builder.index(static_cast<int64_t>(end) * plan.kept_elements.size));
  return builder.add(start, element);
}

int64_t partial_bytes(const ReducePlan &plan) {
  int64_t chunks = (plan.units.size + plan.units_per_chunk - 1) / plan.units_per_chunk;
  int64_t bytes = 0;
  for (const ReduceEnd &end : plan.ends) bytes = std::max(bytes, static_cast<int64_t>(byte_size(end.dtype)));
  return (chunks * chunk_elements(plan) * bytes + 63) / 64 * 64;
}

Stage combination_stage(std::shared_ptr<const ReducePlan> plan) {
  constexpr double kNanosecondsOfElement = 0.3;  // which another core has written
  constexpr int64_t kLine = 16;
  double chunks = static_cast<double>(plan->units.size) / static_cast<double>(plan->units_per_chunk);
  double cost = chunks * static_cast<double>(chunk_elements(*plan)) * kNanosecondsOfElement;
  Stage stage;
  stage.suffix = "combine";
  stage.fixed_nanoseconds = static_cast<double>(plan->kept_elements.size);
  (plan->units.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) += cost;
  if (std::vector<size_t> kept = kept_axes(*plan); !kept.empty()) {
    stage.units = plan->space.axes[kept.back()];
    double all = stage.fixed_nanoseconds + stage.batch_nanoseconds * static_cast<double>(kTypicalBatch);
    stage.units_per_chunk = units_per_chunk(stage.units, all / static_cast<double>(stage.units.size), kLine);
  }
  stage.emit = [plan, units = stage.units, per_chunk = stage.units_per_chunk](Kernel &kernel) {
    CombinationEmitter(*plan, kernel).emit(units, per_chunk);
  };
  return stage;
}

}  // namespace netc
