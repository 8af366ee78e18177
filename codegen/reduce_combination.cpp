#include "codegen/reduce_plan.h"

namespace netc {
namespace {

void emit_combination(const ReducePlan &plan, Kernel &kernel) {
  const OpTask &task = *plan.task;
  llvm::IRBuilder<> &ir = kernel.ir;
  std::vector<Address> results;
  for (const Storage &storage : task.results) results.push_back(kernel.address(storage));
  llvm::Value *partial =
      plan.units.batch ? kernel.batch_space(task.scratch_batch_at) : kernel.fixed_space(task.scratch_fixed_at);
  llvm::Value *chunks = ir.CreateSDiv(ir.CreateNSWAdd(kernel.size(plan.units), kernel.i64(plan.units_per_chunk - 1)),
                                      kernel.i64(plan.units_per_chunk));
  std::vector<size_t> kept;
  for (size_t axis = 0; axis < plan.space.axes.size(); ++axis)
    if (!plan.space.reduced[axis]) kept.push_back(axis);
  auto emit = [&](LaneBuilder &builder, const std::vector<LaneIndex> &point) {
    std::vector<Index> index;
    for (const LaneIndex &i : point) index.push_back(builder.make(i));
    Index number = builder.index(0);
    int64_t stride = 1;
    for (size_t n = kept.size(); n-- > 0;) {
      number = builder.add(number, builder.scale(index[kept[n]], stride));
      stride *= plan.space.axes[kept[n]].size;
    }
    for (size_t e = 0; e < plan.ends.size(); ++e) {
      const ReduceEnd &end = plan.ends[e];
      auto load = [&](llvm::Value *chunk) {
        Index at = builder.add(builder.scale(builder.variable(chunk), static_cast<int64_t>(plan.ends.size())),
                               builder.index(static_cast<int64_t>(e)));
        at = builder.add(builder.scale(at, plan.kept_elements.size), number);
        return builder.value(builder.load_element(partial, end.dtype, builder.at(at)));
      };
      Kernel::Values start{builder.identity(end.kind, end.dtype)};
      Kernel::Values total =
          kernel.loop(kernel.i64(0), chunks, 16, start, [&](llvm::Value *from, const Kernel::Values &outer) {
            llvm::Value *to = ir.CreateNSWAdd(from, kernel.i64(16));
            to = ir.CreateSelect(ir.CreateICmpSLT(to, chunks), to, chunks);
            Kernel::Values sum = kernel.loop(from, to, 1, start, [&](llvm::Value *chunk, const Kernel::Values &inner) {
              return Kernel::Values{builder.combine(end.kind, inner[0], builder.spread(load(chunk)))};
            });
            return Kernel::Values{builder.combine(end.kind, outer[0], sum[0])};
          });
      builder.store_element(results[end.result].base, end.dtype,
                            builder.offset_of(plan.space.results[end.result].strides, index),
                            builder.make(total[0], end.dtype));
    }
  };
  std::function<void(size_t, std::vector<LaneIndex>)> nest = [&](size_t depth, std::vector<LaneIndex> point) {
    if (depth == kept.size()) {
      LaneBuilder builder(kernel, 1);
      return emit(builder, point);
    }
    size_t axis = kept[depth];
    if (depth + 1 == kept.size())
      return for_lanes(kernel, plan.lanes, kernel.i64(0), kernel.size(plan.space.axes[axis]),
                       plan.space.axes[axis].size, [&](LaneBuilder &builder, LaneIndex i) {
                         std::vector<LaneIndex> inside = point;
                         inside[axis] = i;
                         emit(builder, inside);
                       });
    kernel.loop(kernel.i64(0), kernel.size(plan.space.axes[axis]), 1, [&](llvm::Value *i) {
      std::vector<LaneIndex> inside = point;
      inside[axis].base = i;
      nest(depth + 1, inside);
    });
  };
  nest(0, std::vector<LaneIndex>(plan.space.axes.size()));
}

}  // namespace

int64_t partial_bytes(const ReducePlan &plan) {
  int64_t chunks = (plan.units.size + plan.units_per_chunk - 1) / plan.units_per_chunk;
  int64_t bytes = 0;
  for (const ReduceEnd &end : plan.ends)
    bytes += chunks * plan.kept_elements.size * static_cast<int64_t>(byte_size(end.dtype));
  return (bytes + 63) / 64 * 64;
}

Stage combination_stage(std::shared_ptr<const ReducePlan> plan) {
  Stage stage;
  stage.suffix = "combine";
  stage.fixed_nanoseconds = static_cast<double>(plan->kept_elements.size);
  stage.emit = [plan](Kernel &kernel) { emit_combination(*plan, kernel); };
  return stage;
}

}  // namespace netc
