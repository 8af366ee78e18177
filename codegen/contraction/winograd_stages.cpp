// Winograd's convolution in stages. The first transforms the inputs of all tiles to scratch memory. Each chunk of the
// second takes one panel of filters: it transforms the panel's part of the kernel (or finds it in memory, where the
// kernel is constant or a panel too large), which then stays in the level-2 cache while one block of tiles after the
// other is multiplied with it and transformed back. The tiles of a block lie plane by plane, so that they are read in
// one stream.
#include <cmath>

#include "codegen/contraction/winograd_forward.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kPrefetchedChannels = 8;  // of the kernel

class StageEmitter {
 public:
  StageEmitter(KernelEmitter &emitter, const WinogradPlan &plan)
      : emitter_(emitter), plan_(plan), all_(dim_value(emitter, plan.tiles.count())) {}

  void transform_input(Value *tile) {
    emit_input_tile(emitter_, plan_.convolution, plan_.tiles, open_image(emitter_, plan_.source), plan_.inputs,
                    locate_tile(emitter_, plan_.tiles, tile), tile_of_block(emitter_, plan_.inputs, inputs(), tile));
  }

  // Tiles that a product takes although there are none: zeros. Done by the first chunk.
  void fill_up() {
    Value *first = ir().CreateICmpEQ(emitter_.chunk(), number(0));
    Value *lengths = ir().CreateUDiv(ir().CreateAdd(all_, number(plan_.length - 1)), number(plan_.length));
    Value *end = ir().CreateSelect(first, scaled(emitter_, lengths, plan_.length), all_);
    emitter_.loop(all_, end, 1, [&](Value *tile) {
      emit_zero_tile(emitter_, plan_.inputs, tile_of_block(emitter_, plan_.inputs, inputs(), tile));
    });
  }

  // One panel of filters, all tiles.
  void multiply(Value *unit) {
    Value *column = scaled(emitter_, unit, plan_.panels.width());
    Value *end = smin(ir().CreateAdd(column, number(plan_.panels.width())), number(plan_.panels.columns));
    Value *products = stack_floats(emitter_, plan_.products_size());
    Value *panel_on_stack =
        plan_.kernel_in_memory
            ? nullptr
            : stack_floats(emitter_, plan_.tiles.planes() * plan_.kernel_panel(plan_.panels.width()));
    for_panels(emitter_, plan_.panels, column, end, [&](const Panel &panel) {
      Value *kernel = panel_on_stack;
      if (kernel == nullptr)
        kernel = transformed_panel(emitter_, plan_, panel);
      else
        emitter_.loop(number(0), number(plan_.channels()), 1, [&](Value *channel) {
          prefetch_taps(panel, ir().CreateAdd(channel, number(kPrefetchedChannels)));
          transform_channel(emitter_, plan_, panel, channel, kernel);
        });
      emitter_.loop(number(0), all_, plan_.block, [&](Value *first) {
        TileBlock block{first, smin(ir().CreateSub(all_, first), number(plan_.block)),
                        tile_of_block(emitter_, plan_.inputs, inputs(), first), products};
        // The inputs come in one stream, which the processor prefetches by itself.
        emit_block(emitter_, plan_, panel, kernel, block, [&](Tile &product, Value *plane, Value *row) {
          if (plan_.kernel_in_memory) prefetch_plane(product, panel, kernel, plane, row);
        });
      });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, ir().getFloatTy(), base, offset); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }

  // Of each row of the kernel a panel takes two cache lines or so: too short a stretch for the processor to foresee.
  void prefetch_taps(const Panel &panel, Value *channel) {
    const Address &kernel = emitter_.operand(1);
    Value *row = at(at(kernel.base, scaled(emitter_, channel, kernel.strides[2])), panel.first);
    for (int64_t line = 0; line < plan_.width_of(panel); line += TransformedTiles::kCacheLineFloats)
      for (int64_t y = 0; y < kWinogradTaps; ++y)
        for (int64_t x = 0; x < kWinogradTaps; ++x)
          prefetch_line(ir(), at(row, number(y * kernel.strides[0] + x * kernel.strides[1] + line)), true);
  }

  // The next plane of a kernel in memory comes from far away while so many products with the one at hand are done.
  void prefetch_plane(Tile &product, const Panel &panel, Value *kernel, Value *plane, Value *row) {
    constexpr int64_t kProducts = 4, kLine = TransformedTiles::kCacheLineFloats;
    int64_t size = plan_.kernel_panel(plan_.width_of(panel)), turns = product_turns(plan_);
    int64_t lines = (size / kProducts + turns * kLine - 1) / (turns * kLine);
    Value *start = at(kernel, scaled(emitter_, ir().CreateAdd(plane, number(1)), size));
    Value *products = ir().CreateUDiv(row, number(plan_.length));
    Ahead ahead{at(start, scaled(emitter_, products, lines * turns * kLine)), false};
    for (int64_t line = 0; line < lines; ++line) ahead.offsets.push_back(number(line * kLine));
    ahead.turn = number(lines * kLine);
    product.ahead.push_back(std::move(ahead));
  }

  // In scratch memory, behind the padded copies of the images.
  Value *inputs() {
    if (!plan_.source.padded) return emitter_.scratch();
    Value *images = dim_value(emitter_, plan_.convolution.images);
    return at(emitter_.scratch(), scaled(emitter_, images, open_image(emitter_, plan_.source).image_stride));
  }

  KernelEmitter &emitter_;
  const WinogradPlan &plan_;
  Value *all_;
};

KernelStage input_stage(const WinogradPlan &plan, double cycles) {
  KernelStage stage;
  stage.suffix = "winograd_inputs";
  stage.units = plan.tiles.count();
  stage.units_per_chunk = even_units(stage.units, std::llround(kChunkNanoseconds * kCyclesPerNanosecond / cycles));
  set_cost(stage, cycles / kCyclesPerNanosecond);
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    StageEmitter stages(emitter, plan);
    stages.fill_up();
    for_units(emitter, units, group, [&](Value *tile) { stages.transform_input(tile); });
  };
  return stage;
}

}  // namespace

int64_t panel_stack_bytes(const WinogradPlan &plan) {
  return 4 * (plan.tiles.planes() * plan.kernel_panel(plan.panels.width()) + plan.products_size());
}

void add_winograd_stages(ContractionLowering &lowering, const WinogradPlan &plan, const WinogradCosts &costs) {
  const Dim tiles = plan.tiles.count();
  int64_t group_bytes = 4 * plan.inputs.group_size();
  int64_t of_tiles = whole_lines((tiles.size * group_bytes + plan.inputs.group - 1) / plan.inputs.group);
  (tiles.batch ? lowering.scratch_batch : lowering.scratch_fixed) += of_tiles;
  lowering.scratch_fixed += whole_lines(group_bytes);
  lowering.stages.push_back(input_stage(plan, costs.input_tile));

  KernelStage stage;
  stage.suffix = "winograd";
  stage.units = {plan.panel_count(), false};
  if (!plan.kernel_in_memory) stage.fixed_nanoseconds = costs.transform / kCyclesPerNanosecond;
  double cost = (costs.product + costs.results_tile) * static_cast<double>(tiles.size) / kCyclesPerNanosecond;
  (tiles.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) += cost;
  stage.emit = [plan](KernelEmitter &emitter) { StageEmitter(emitter, plan).multiply(emitter.chunk()); };
  lowering.stages.push_back(std::move(stage));
}

}  // namespace netc::contraction
