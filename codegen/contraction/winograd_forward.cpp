#include "codegen/contraction/winograd_forward.h"

#include <cmath>

namespace netc::contraction {

using llvm::Value;

namespace {

Value *number(KernelEmitter &emitter, int64_t i) { return emitter.ir().getInt64(static_cast<uint64_t>(i)); }

Value *at(KernelEmitter &emitter, Value *base, Value *offset) {
  return element_at(emitter, emitter.ir().getFloatTy(), base, offset);
}

llvm::Type *filters_type(KernelEmitter &emitter, const WinogradPlan &plan) {
  return accumulator_type({emitter.ir().getFloatTy(), plan.panels.lanes});
}

// One channel of the kernel.
void transform_channel(KernelEmitter &emitter, const WinogradPlan &plan, Value *channel) {
  llvm::IRBuilder<> &ir = emitter.ir();
  const Address &kernel = emitter.operand(1);
  Value *from = at(emitter, kernel.base, scaled(emitter, channel, kernel.strides[2]));
  for_panels(emitter, plan.panels, nullptr, nullptr, [&](const Panel &panel) {
    Value *to = transformed_kernel(emitter, plan, panel, number(emitter, 0));
    Value *next_plane = transformed_kernel(emitter, plan, panel, number(emitter, 1));
    Value *plane_size = ir.CreatePtrDiff(ir.getFloatTy(), next_plane, to);
    to = at(emitter, to, scaled(emitter, channel, plan.width_of(panel)));
    for_vectors(emitter, plan, panel, [&](Value *first, Value *mask) {
      Value *taps = at(emitter, at(emitter, from, panel.first), first), *points = at(emitter, to, first);
      emit_transform(
          emitter, WinogradTransform::kernel, plan.tiles.y, plan.tiles.x,
          [&](int64_t y, int64_t x) {
            Value *tap = at(emitter, taps, number(emitter, y * kernel.strides[0] + x * kernel.strides[1]));
            return load_lanes(ir, filters_type(emitter, plan), tap, mask);
          },
          [&](int64_t y, int64_t x, Value *value) {
            Value *place = at(emitter, points, scaled(emitter, plane_size, plan.tiles.plane(y, x)));
            ir.CreateAlignedStore(value, place, llvm::Align(4));
          });
    });
  });
}

}  // namespace

Value *transformed_kernel(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel, Value *plane) {
  Value *start = emitter.scratch_apart();
  int64_t whole = plan.kernel_panel(plan.panels.width());
  Value *before = emitter.ir().CreateUDiv(panel.first, number(emitter, plan.panels.width()));
  if (plan.in_stages) {
    start = at(emitter, start, scaled(emitter, before, whole));
    return at(emitter, start, scaled(emitter, plane, plan.kernel_plane()));
  }
  start = at(emitter, start, scaled(emitter, before, plan.tiles.planes() * whole));
  return at(emitter, start, scaled(emitter, plane, plan.kernel_panel(plan.width_of(panel))));
}

KernelStage transform_kernel_stage(const WinogradPlan &plan, double cycles) {
  KernelStage stage;
  stage.suffix = "winograd_kernel";
  stage.prepares = true;
  stage.units = {plan.channels(), false};
  double per_channel = cycles / kCyclesPerNanosecond / static_cast<double>(plan.channels());
  stage.units_per_chunk = std::max<int64_t>(1, std::llround(kChunkNanoseconds / per_channel));
  set_cost(stage, per_channel);
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *channel) { transform_channel(emitter, plan, channel); });
  };
  return stage;
}

Tile product_tile(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel) {
  Tile tile{emitter.ir().getFloatTy(), plan.panels.lanes, panel.vectors};
  for (int64_t i = 0; i < plan.length; ++i) tile.rows.push_back(number(emitter, plan.inputs.size(i)));
  int64_t width = plan.width_of(panel);
  tile.reductions = {{number(emitter, plan.channels()), number(emitter, 1), number(emitter, width)}};
  tile.unrolled = kUnrolledChannels;
  if (plan.kernel_size() >= kLargeElements) tile.prefetch_b = number(emitter, kPrefetchedSteps * width);
  return tile;
}

void emit_results(KernelEmitter &emitter, const WinogradPlan &plan, const WinogradTile &tile, Value *filter,
                  Value *mask, const std::function<Value *(int64_t)> &load) {
  llvm::IRBuilder<> &ir = emitter.ir();
  IndexValue column = index_of(emitter, filter);
  emit_transform(
      emitter, WinogradTransform::results, plan.tiles.y, plan.tiles.x,
      [&](int64_t y, int64_t x) { return load(plan.tiles.plane(y, x)); },
      [&](int64_t y, int64_t x, Value *value) {
        std::vector<IndexValue> index{{tile.image, 0}, {tile.y, y}, {tile.x, x}, column};
        Value *counted = counts(emitter, plan.tiles, tile, y, x);
        if (counted == nullptr) return emitter.finish(index, value, mask);
        llvm::Function *function = emitter.function();
        auto *yes = llvm::BasicBlock::Create(ir.getContext(), "counted", function);
        auto *next = llvm::BasicBlock::Create(ir.getContext(), "next", function);
        emitter.settle();
        ir.CreateCondBr(counted, yes, next);
        ir.SetInsertPoint(yes);
        emitter.finish(index, value, mask);
        emitter.settle();
        ir.CreateBr(next);
        ir.SetInsertPoint(next);
      });
  emitter.settle();
}

void for_vectors(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel,
                 const std::function<void(Value *first, Value *mask)> &body) {
  int64_t lanes = plan.panels.lanes;
  int64_t whole = (panel.tail == 0 ? panel.vectors : panel.vectors - 1) * lanes;
  for_range(emitter, number(emitter, 0), number(emitter, whole), lanes, [&](Value *first) { body(first, nullptr); });
  if (panel.tail != 0) body(number(emitter, whole), lane_mask(emitter.ir(), plan.panels.lanes, panel.tail));
}

}  // namespace netc::contraction
