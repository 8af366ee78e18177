// Winograd's convolution in three stages over all tiles: the inputs are transformed; each plane is a matrix product
// [tile, channel] x [channel, filter]; the products are transformed back. Transformed inputs and products lie in
// scratch memory, tile by tile, each tile plane by plane.
#include <cmath>

#include "codegen/contraction/winograd_forward.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// The next panel of the transformed kernel comes from far away while this many products of the one at hand are done.
constexpr int64_t kProductsPerPanel = 4;

TransformedTiles products_of(const WinogradPlan &plan) {
  return {plan.tiles.planes(), plan.convolution.output_channels, plan.panels.lanes};
}

class StageEmitter {
 public:
  StageEmitter(KernelEmitter &emitter, const WinogradPlan &plan)
      : emitter_(emitter),
        plan_(plan),
        element_(emitter.ir().getFloatTy()),
        all_(dim_value(emitter, plan.tiles.count())) {}

  void transform_input(Value *tile) {
    emit_input_tile(emitter_, plan_.convolution, plan_.tiles, open_image(emitter_, plan_.source), plan_.inputs,
                    locate_tile(emitter_, plan_.tiles, tile), tile_of_block(emitter_, plan_.inputs, inputs(), tile));
  }

  // Tiles that a product takes although there are none: zeros. Done by the first chunk.
  void fill_up() {
    Value *first = ir().CreateICmpEQ(emitter_.chunk(), number(0));
    Value *begin = ir().CreateSelect(first, all_, number(plan_.length));
    emitter_.loop(begin, number(plan_.length), 1, [&](Value *tile) {
      emit_zero_tile(emitter_, plan_.inputs, tile_of_block(emitter_, plan_.inputs, inputs(), tile));
    });
  }

  // One panel of one plane, all tiles.
  void multiply(Value *unit) {
    Value *panels = number(plan_.panel_count());
    Value *plane = ir().CreateUDiv(unit, panels);
    Value *column = scaled(emitter_, ir().CreateURem(unit, panels), plan_.panels.width());
    Value *columns_end = ir().CreateBinaryIntrinsic(
        llvm::Intrinsic::smin, ir().CreateAdd(column, number(plan_.panels.width())), number(plan_.panels.columns));
    Value *last = ir().CreateSub(all_, number(plan_.length));
    last = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smax, last, number(0));
    TransformedTiles products = products_of(plan_);
    for_panels(emitter_, plan_.panels, column, columns_end, [&](const Panel &panel) {
      Value *a = at(inputs(), scaled(emitter_, plane, plan_.inputs.plane()));
      Value *b = transformed_kernel(emitter_, plan_, panel, plane);
      Value *to = at(at(this->products(), scaled(emitter_, plane, products.plane())), panel.first);
      emitter_.loop(number(0), all_, plan_.length, [&](Value *i) {
        Value *first = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, i, last);
        Tile tile = product_tile(emitter_, plan_, panel);
        prefetch_panel(tile, panel, b, i);
        Accumulators sums =
            emit_tile(ir(), emitter_.target(), tile, at(a, scaled(emitter_, first, plan_.inputs.size(1))), b);
        Value *place = at(to, scaled(emitter_, first, products.size(1)));
        for (size_t r = 0; r < sums.size(); ++r)
          for (unsigned v = 0; v < panel.vectors; ++v) {
            int64_t offset = static_cast<int64_t>(r) * products.size(1) + v * int64_t{plan_.panels.lanes};
            ir().CreateAlignedStore(sums[r][v], at(place, number(offset)), llvm::Align(4));
          }
      });
    });
  }

  void transform_results(Value *number_of_tile) {
    TransformedTiles products = products_of(plan_);
    WinogradTile tile = locate_tile(emitter_, plan_.tiles, number_of_tile);
    Value *from = at(this->products(), scaled(emitter_, number_of_tile, products.size(1)));
    for_panels(emitter_, products.vectors(), nullptr, nullptr, [&](const Panel &panel) {
      Value *mask = lane_mask(ir(), products.lanes, panel.tail);
      Value *points = at(from, panel.first);
      emit_results(emitter_, plan_, tile, panel.first, mask, [&](int64_t plane) {
        return load_lanes(ir(), accumulator_type({element_, products.lanes}),
                          at(points, number(plane * products.plane())), nullptr);
      });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }

  // In scratch memory: the padded copies of the images, the transformed inputs, the products; of one product of tiles
  // at least.
  Value *inputs() {
    if (!plan_.source.padded) return emitter_.scratch();
    Value *images = dim_value(emitter_, plan_.convolution.images);
    return at(emitter_.scratch(), scaled(emitter_, images, open_image(emitter_, plan_.source).image_stride));
  }
  Value *products() {
    Value *tiles = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smax, all_, number(plan_.length));
    return at(inputs(), scaled(emitter_, tiles, plan_.inputs.size(1)));
  }

  void prefetch_panel(Tile &tile, const Panel &panel, Value *b, Value *row) {
    int64_t line = TransformedTiles::kCacheLineFloats;
    int64_t size = plan_.kernel_panel(plan_.width_of(panel));
    int64_t turns = std::max<int64_t>(1, plan_.channels() / kUnrolledChannels);
    int64_t lines = (size / kProductsPerPanel + turns * line - 1) / (turns * line);
    Value *start = at(b, number(size));
    start = at(start, scaled(emitter_, ir().CreateUDiv(row, number(plan_.length)), lines * turns * line));
    Ahead ahead{start, false};
    for (int64_t i = 0; i < lines; ++i) ahead.offsets.push_back(number(i * line));
    ahead.turn = number(lines * line);
    tile.ahead.push_back(std::move(ahead));
  }

  KernelEmitter &emitter_;
  const WinogradPlan &plan_;
  llvm::Type *element_;
  Value *all_;
};

KernelStage tile_stage(const WinogradPlan &plan, const char *suffix, double cycles,
                       std::function<void(StageEmitter &, Value *tile)> body, bool fills_up) {
  KernelStage stage;
  stage.suffix = suffix;
  stage.units = plan.tiles.count();
  stage.units_per_chunk = std::max<int64_t>(1, std::llround(kChunkNanoseconds * kCyclesPerNanosecond / cycles));
  set_cost(stage, cycles / kCyclesPerNanosecond);
  stage.emit = [plan, body = std::move(body), fills_up, units = stage.units,
                group = stage.units_per_chunk](KernelEmitter &emitter) {
    StageEmitter stages(emitter, plan);
    if (fills_up) stages.fill_up();
    for_units(emitter, units, group, [&](Value *tile) { body(stages, tile); });
  };
  return stage;
}

}  // namespace

void add_winograd_stages(ContractionLowering &lowering, const WinogradPlan &plan, const WinogradCosts &costs) {
  TransformedTiles products = products_of(plan);
  const Dim tiles = plan.tiles.count();
  int64_t of_tile = plan.inputs.size(1) + products.size(1);
  (tiles.batch ? lowering.scratch_batch : lowering.scratch_fixed) += whole_lines(4 * tiles.size * of_tile);
  lowering.scratch_fixed += whole_lines(4 * plan.length * of_tile);

  lowering.stages.push_back(tile_stage(
      plan, "winograd_inputs", costs.input_tile,
      [](StageEmitter &stages, Value *tile) { stages.transform_input(tile); }, true));

  KernelStage stage;
  stage.suffix = "winograd";
  stage.units = {plan.tiles.planes() * plan.panel_count(), false};
  double cost = costs.product * static_cast<double>(tiles.size) / kCyclesPerNanosecond;
  (tiles.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) = cost;
  stage.emit = [plan](KernelEmitter &emitter) { StageEmitter(emitter, plan).multiply(emitter.chunk()); };
  lowering.stages.push_back(std::move(stage));

  lowering.stages.push_back(tile_stage(
      plan, "winograd_results", costs.results_tile,
      [](StageEmitter &stages, Value *tile) { stages.transform_results(tile); }, false));
}

}  // namespace netc::contraction
