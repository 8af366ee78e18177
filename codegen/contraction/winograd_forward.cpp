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

constexpr int64_t kUnrolledChannels = 4;  // half of what is usual: less code for the same speed

// The product of plan.length tiles with a panel.
Tile product_tile(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel) {
  Tile tile{emitter.ir().getFloatTy(), plan.panels.lanes, panel.vectors};
  for (int64_t i = 0; i < plan.length; ++i) tile.rows.push_back(number(emitter, i * plan.inputs.tile()));
  int64_t width = plan.width_of(panel);
  tile.reductions = {{number(emitter, plan.channels()), number(emitter, 1), number(emitter, width)}};
  tile.unrolled = kUnrolledChannels;
  if (plan.kernel_size() >= kLargeElements) tile.prefetch_b = number(emitter, kPrefetchedSteps * width);
  return tile;
}

// Transforms a vector of filters of a tile back; `load(plane)` gives its products.
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

// The vectors of a panel, each by its first column in it.
void for_vectors(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel,
                 const std::function<void(Value *first, Value *mask)> &body) {
  int64_t lanes = plan.panels.lanes;
  int64_t whole = (panel.tail == 0 ? panel.vectors : panel.vectors - 1) * lanes;
  for_range(emitter, number(emitter, 0), number(emitter, whole), lanes, [&](Value *first) { body(first, nullptr); });
  if (panel.tail != 0) body(number(emitter, whole), lane_mask(emitter.ir(), plan.panels.lanes, panel.tail));
}

}  // namespace

Value *transformed_panel(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel) {
  Value *before = emitter.ir().CreateUDiv(panel.first, number(emitter, plan.panels.width()));
  return at(emitter, emitter.scratch_apart(),
            scaled(emitter, before, plan.tiles.planes() * plan.kernel_panel(plan.panels.width())));
}

void transform_channel(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel, Value *channel,
                       Value *to) {
  llvm::IRBuilder<> &ir = emitter.ir();
  const Address &kernel = emitter.operand(1);
  int64_t width = plan.width_of(panel);
  Value *from = at(emitter, at(emitter, kernel.base, scaled(emitter, channel, kernel.strides[2])), panel.first);
  to = at(emitter, to, scaled(emitter, channel, width));
  auto tap = [&](Value *place, int64_t y, int64_t x) {
    return at(emitter, place, number(emitter, y * kernel.strides[0] + x * kernel.strides[1]));
  };
  for_vectors(emitter, plan, panel, [&](Value *first, Value *mask) {
    Value *taps = at(emitter, from, first), *points = at(emitter, to, first);
    emit_transform(
        emitter, WinogradTransform::kernel, plan.tiles.y, plan.tiles.x,
        [&](int64_t y, int64_t x) { return load_lanes(ir, filters_type(emitter, plan), tap(taps, y, x), mask); },
        [&](int64_t y, int64_t x, Value *value) {
          Value *place = at(emitter, points, number(emitter, plan.tiles.plane(y, x) * plan.kernel_panel(width)));
          ir.CreateAlignedStore(value, place, llvm::Align(4));
        });
  });
}

KernelStage transform_kernel_stage(const WinogradPlan &plan, double cycles) {
  KernelStage stage;
  stage.suffix = "winograd_kernel";
  stage.prepares = true;
  stage.units = {plan.channels(), false};
  // Weights come from afar, rows of them from far apart.
  double per_channel = 2 * cycles / kCyclesPerNanosecond / static_cast<double>(plan.channels());
  stage.units_per_chunk = even_units(stage.units, std::llround(kChunkNanoseconds / per_channel));
  set_cost(stage, per_channel);
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *channel) {
      for_panels(emitter, plan.panels, nullptr, nullptr, [&](const Panel &panel) {
        transform_channel(emitter, plan, panel, channel, transformed_panel(emitter, plan, panel));
      });
    });
  };
  return stage;
}

void emit_block(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel, Value *kernel,
                const TileBlock &block, const std::function<void(Tile &, Value *, Value *)> &prefetch) {
  llvm::IRBuilder<> &ir = emitter.ir();
  int64_t width = plan.width_of(panel), product_plane = plan.product_plane(width);
  auto vector_at = [&](Value *row, int64_t vector) {
    return at(emitter, row, number(emitter, vector * plan.panels.lanes));
  };
  emitter.loop(number(emitter, 0), number(emitter, plan.tiles.planes()), 1, [&](Value *plane) {
    emitter.loop(number(emitter, 0), block.count, plan.length, [&](Value *row) {
      Tile tile = product_tile(emitter, plan, panel);
      prefetch(tile, plane, row);
      Value *a = at(emitter, block.inputs, scaled(emitter, plane, plan.inputs.plane()));
      a = at(emitter, a, scaled(emitter, row, plan.inputs.tile()));
      Value *b = at(emitter, kernel, scaled(emitter, plane, plan.kernel_panel(width)));
      Accumulators sums = emit_tile(ir, emitter.target(), tile, a, b);
      Value *to = at(emitter, block.products, scaled(emitter, plane, product_plane));
      to = at(emitter, to, scaled(emitter, row, width));
      for (size_t r = 0; r < sums.size(); ++r) {
        Value *place = at(emitter, to, number(emitter, static_cast<int64_t>(r) * width));
        for (unsigned v = 0; v < panel.vectors; ++v)
          ir.CreateAlignedStore(sums[r][v], vector_at(place, v), llvm::Align(4));
      }
    });
  });
  emitter.loop(number(emitter, 0), block.count, 1, [&](Value *row) {
    WinogradTile tile = locate_tile(emitter, plan.tiles, ir.CreateAdd(block.first, row));
    Value *from = at(emitter, block.products, scaled(emitter, row, width));
    for_vectors(emitter, plan, panel, [&](Value *first, Value *mask) {
      Value *points = at(emitter, from, first);
      emit_results(emitter, plan, tile, ir.CreateAdd(panel.first, first), mask, [&](int64_t plane) {
        return load_lanes(ir, filters_type(emitter, plan), at(emitter, points, number(emitter, plane * product_plane)),
                          nullptr);
      });
    });
  });
}

int64_t product_turns(const WinogradPlan &plan) { return std::max<int64_t>(1, plan.channels() / kUnrolledChannels); }

}  // namespace netc::contraction
