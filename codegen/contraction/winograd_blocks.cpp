// Winograd's convolution in blocks of tiles: their inputs are transformed, then each plane is a matrix product [tile,
// channel] x [channel, filter], one panel of filters after the other, whose results are transformed back and leave
// through the epilogue. The transformed inputs and the products of a block lie on the stack.
#include "codegen/contraction/winograd_forward.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// A single sample that is one product: chunks are panels of filters instead of tiles. Each reads its part of the
// transformed kernel alone, which is what takes longest.
bool cuts_panels_of_one(const WinogradPlan &plan) {
  const Dim images = plan.convolution.images;
  return images.batch && images.size == 1 && plan.tiles.of_image() <= plan.length && plan.panel_count() > 1;
}
// Tiles that such a chunk counts for: as many chunks as panels, or fewer.
int64_t tiles_of_panels(const WinogradPlan &plan) {
  int64_t tiles = plan.tiles.of_image();
  return (tiles + plan.panel_count() - 1) / plan.panel_count();
}

class BlockEmitter {
 public:
  BlockEmitter(KernelEmitter &emitter, const WinogradPlan &plan) : emitter_(emitter), plan_(plan) {}

  void run() {
    Value *inputs = stack_floats(emitter_, plan_.inputs.size(plan_.block));
    Value *products = stack_floats(emitter_, plan_.products_size());
    Value *all = dim_value(emitter_, plan_.tiles.count());
    auto [begin, end] = units_of_chunk(emitter_, plan_.tiles.count(), plan_.block);
    Value *first_column = nullptr, *last_column = nullptr;
    if (cuts_panels_of_one(plan_) && emitter_.units_per_chunk_of_one() > 0) {
      int64_t tiles = plan_.tiles.of_image(), chunks = (tiles + tiles_of_panels(plan_) - 1) / tiles_of_panels(plan_);
      int64_t columns = (plan_.panel_count() + chunks - 1) / chunks * plan_.panels.width();
      Value *one = ir().CreateICmpEQ(emitter_.batch(), number(1));
      begin = ir().CreateSelect(one, number(0), begin);
      end = ir().CreateSelect(one, number(tiles), end);
      Value *column = scaled(emitter_, emitter_.chunk(), columns), *all_columns = number(plan_.panels.columns);
      first_column = ir().CreateSelect(one, column, number(0));
      last_column = ir().CreateSelect(one, smin(ir().CreateAdd(column, number(columns)), all_columns), all_columns);
    }
    Value *count = ir().CreateSub(end, begin);
    Value *lengths = ir().CreateUDiv(ir().CreateAdd(count, number(plan_.length - 1)), number(plan_.length));
    Value *rows = scaled(emitter_, lengths, plan_.length);

    // A product takes its full length of tiles: the last one stands in for those behind the end.
    Image image = open_image(emitter_, plan_.source);
    Value *last = ir().CreateSub(all, number(1));
    emitter_.loop(number(0), rows, 1, [&](Value *row) {
      Value *tile = smin(ir().CreateAdd(begin, row), last);
      emit_input_tile(emitter_, plan_.convolution, plan_.tiles, image, plan_.inputs,
                      locate_tile(emitter_, plan_.tiles, tile), tile_of_block(emitter_, plan_.inputs, inputs, row));
    });
    for_panels(emitter_, plan_.panels, first_column, last_column, [&](const Panel &panel) {
      emit_block(emitter_, plan_, panel, transformed_panel(emitter_, plan_, panel), {begin, count, inputs, products},
                 [&](Tile &product, Value *plane, Value *row) {
                   prefetch(product, begin, ir().CreateAdd(scaled(emitter_, plane, plan_.block), row));
                 });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }

  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }

  // The inputs of the next block, and what the epilogue of this one reads and writes.
  void prefetch(Tile &tile, Value *begin, Value *part) {
    BlockPart now{begin, plan_.block, part, plan_.tiles.planes() * plan_.block, plan_.length, product_turns(plan_)};
    BlockPart next = now;
    next.begin = ir().CreateAdd(begin, number(plan_.block));
    Image image = open_image(emitter_, plan_.source);
    prefetch_block(emitter_, plan_.tiles, {image.base, image.image_stride, image.row_stride}, next, tile);
    for (const Address &value : emitter_.finished())
      if (value.dtype == DType::f32)
        prefetch_block(emitter_, plan_.tiles, {value.base, value.strides[0], value.strides[1]}, now, tile);
  }

  KernelEmitter &emitter_;
  const WinogradPlan &plan_;
};

}  // namespace

int64_t block_stack_bytes(const WinogradPlan &plan) {
  return 4 * (plan.inputs.size(plan.block) + plan.products_size());
}

void add_winograd_blocks(ContractionLowering &lowering, const WinogradPlan &plan, const WinogradCosts &costs) {
  KernelStage stage;
  stage.suffix = "winograd";
  stage.units = plan.tiles.count();
  stage.units_per_chunk = plan.block;
  set_cost(stage, (costs.input_tile + costs.product + costs.results_tile) / kCyclesPerNanosecond);
  if (cuts_panels_of_one(plan))
    stage.units_per_chunk_of_one = tiles_of_panels(plan);
  else
    cut_single_sample(stage, plan.length);
  stage.emit = [plan](KernelEmitter &emitter) { BlockEmitter(emitter, plan).run(); };
  lowering.stages.push_back(std::move(stage));
}

}  // namespace netc::contraction
