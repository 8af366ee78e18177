// Convolution, and the gradient of one with respect to its input. One stage transforms the kernel; the other goes
// through blocks of tiles: their inputs are transformed, then each of the 36 planes is a matrix product [tile, channel]
// x [channel, filter], one panel of filters after the other, whose results are transformed back and leave through the
// epilogue.
#include "codegen/contraction/winograd.h"

#include <algorithm>
#include <cmath>

#include "codegen/contraction/common.h"
#include "codegen/contraction/winograd_tiles.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// Enough for the transformed kernel's sake, which each block reads, and few enough for the level-2 cache.
constexpr int64_t kBlockTiles = 28;
// Half of what is usual: less code for the same speed.
constexpr int64_t kUnrolledChannels = 4;

struct WinogradPlan {
  Convolution convolution;
  ImageSource source;
  WinogradTiles tiles;
  TransformedTiles inputs;
  Panels panels;       // of filters
  int64_t length = 1;  // tiles of one product
  int64_t block = 1;   // tiles of one chunk, a multiple

  int64_t channels() const { return convolution.input_channels; }
  // Floats: the transformed kernel, panel by panel, in each [plane][channel][filter]; products as [plane][tile][filter]
  // of one panel.
  int64_t panel_at(int64_t filter) const { return kWinogradPlanes * channels() * filter; }
  int64_t kernel_size() const {
    return panel_at(panels.rest_first() + panels.rest_vectors * static_cast<int64_t>(panels.lanes));
  }
  int64_t product_plane(int64_t width) const { return block * width + 16; }
  int64_t stack_bytes() const { return 4 * (inputs.size(block) + kWinogradPlanes * product_plane(panels.width())); }
  void set_length(int64_t tiles_of_product) {
    length = tiles_of_product;
    block = length * std::max<int64_t>(1, kBlockTiles / length);
    while (stack_bytes() > kMostStack && block > length) block -= length;
  }
};

class WinogradEmitter {
 public:
  WinogradEmitter(KernelEmitter &emitter, const WinogradPlan &plan)
      : emitter_(emitter), plan_(plan), element_(emitter.ir().getFloatTy()) {}

  // One channel of the kernel.
  void transform_kernel(Value *channel) {
    const Address &kernel = emitter_.operand(1);
    Value *from = at(kernel.base, scaled(emitter_, channel, kernel.strides[2]));
    for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) {
      int64_t width = width_of(panel);
      Value *to = at(kernel_panel(panel), scaled(emitter_, channel, width));
      for_vectors(panel, [&](Value *first, Value *mask) {
        Value *taps = at(at(from, panel.first), first), *points = at(to, first);
        emit_transform(
            emitter_, WinogradTransform::kernel,
            [&](int64_t y, int64_t x) {
              return load_lanes(ir(), vector(), at(taps, y * kernel.strides[0] + x * kernel.strides[1]), mask);
            },
            [&](int64_t y, int64_t x, Value *value) {
              int64_t plane = y * kWinogradPoints + x;
              ir().CreateAlignedStore(value, at(points, plane * plan_.channels() * width), llvm::Align(4));
            });
      });
    });
  }

  void convolve() {
    Value *inputs = stack_floats(emitter_, plan_.inputs.size(plan_.block));
    Value *products = stack_floats(emitter_, kWinogradPlanes * plan_.product_plane(plan_.panels.width()));
    Value *all = dim_value(emitter_, plan_.tiles.count());
    Value *begin = scaled(emitter_, emitter_.chunk(), plan_.block);
    Value *end = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir().CreateAdd(begin, number(plan_.block)), all);
    Value *count = ir().CreateSub(end, begin);
    Value *lengths = ir().CreateUDiv(ir().CreateAdd(count, number(plan_.length - 1)), number(plan_.length));
    Value *rows = scaled(emitter_, lengths, plan_.length);

    // A product takes its full length of tiles: the last one stands in for those behind the end.
    Image image = open_image(emitter_, plan_.source);
    Value *last = ir().CreateSub(all, number(1));
    emitter_.loop(number(0), rows, 1, [&](Value *row) {
      Value *tile = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir().CreateAdd(begin, row), last);
      emit_input_tile(emitter_, plan_.convolution, image, plan_.inputs, locate_tile(emitter_, plan_.tiles, tile),
                      tile_of_block(emitter_, plan_.inputs, inputs, row));
    });
    for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) {
      emitter_.loop(number(0), number(kWinogradPlanes), 1, [&](Value *plane) {
        emitter_.loop(number(0), rows, plan_.length,
                      [&](Value *row) { multiply(panel, plane, begin, row, inputs, products); });
      });
      emitter_.loop(number(0), count, 1, [&](Value *row) {
        WinogradTile tile = locate_tile(emitter_, plan_.tiles, ir().CreateAdd(begin, row));
        Value *from = at(products, scaled(emitter_, row, width_of(panel)));
        for_vectors(panel, [&](Value *first, Value *mask) { finish_results(panel, tile, from, first, mask); });
      });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  Value *at(Value *base, int64_t offset) { return at(base, number(offset)); }
  llvm::Type *vector() { return accumulator_type({element_, plan_.panels.lanes}); }
  int64_t width_of(const Panel &panel) const { return static_cast<int64_t>(panel.vectors) * plan_.panels.lanes; }
  Value *kernel_panel(const Panel &panel) {
    return at(emitter_.scratch_apart(), scaled(emitter_, panel.first, plan_.panel_at(1)));
  }

  // The vectors of a panel, each by its first column.
  void for_vectors(const Panel &panel, const std::function<void(Value *first, Value *mask)> &body) {
    int64_t lanes = plan_.panels.lanes;
    int64_t whole = panel.tail == 0 ? panel.vectors : panel.vectors - 1;
    for_range(emitter_, number(0), number(whole * lanes), lanes, [&](Value *first) { body(first, nullptr); });
    if (panel.tail != 0) body(number(whole * lanes), lane_mask(ir(), plan_.panels.lanes, panel.tail));
  }

  void multiply(const Panel &panel, Value *plane, Value *begin, Value *row, Value *inputs, Value *products) {
    int64_t width = width_of(panel);
    Tile tile{element_, plan_.panels.lanes, panel.vectors};
    for (int64_t i = 0; i < plan_.length; ++i) tile.rows.push_back(number(plan_.inputs.size(i)));
    tile.reductions = {{number(plan_.channels()), number(1), number(width)}};
    tile.unrolled = kUnrolledChannels;
    if (plan_.kernel_size() >= kLargeElements) tile.prefetch_b = number(kPrefetchedSteps * width);
    Value *a = at(tile_of_block(emitter_, plan_.inputs, inputs, row), scaled(emitter_, plane, plan_.inputs.plane()));
    Value *b = at(kernel_panel(panel), scaled(emitter_, plane, plan_.channels() * width));
    prefetch(tile, begin, ir().CreateAdd(scaled(emitter_, plane, plan_.block), row));
    Accumulators sums = emit_tile(ir(), emitter_.target(), tile, a, b);
    Value *to = at(at(products, scaled(emitter_, plane, plan_.product_plane(width))), scaled(emitter_, row, width));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < panel.vectors; ++v)
        ir().CreateAlignedStore(sums[r][v], at(to, static_cast<int64_t>(r) * width + v * int64_t{plan_.panels.lanes}),
                                llvm::Align(4));
  }

  // The inputs of the next block, and what the epilogue of this one reads and writes.
  void prefetch(Tile &tile, Value *begin, Value *part) {
    int64_t turns = std::max<int64_t>(1, plan_.channels() / kUnrolledChannels);
    BlockPart now{begin, plan_.block, part, kWinogradPlanes * plan_.block, plan_.length, turns};
    BlockPart next = now;
    next.begin = ir().CreateAdd(begin, number(plan_.block));
    Image image = open_image(emitter_, plan_.source);
    prefetch_block(emitter_, plan_.tiles, {image.base, image.image_stride, image.row_stride}, next, tile);
    for (const Address &value : emitter_.finished())
      if (value.dtype == DType::f32)
        prefetch_block(emitter_, plan_.tiles, {value.base, value.strides[0], value.strides[1]}, now, tile);
  }

  void finish_results(const Panel &panel, const WinogradTile &tile, Value *from, Value *first, Value *mask) {
    Value *points = at(from, first);
    IndexValue filter = index_of(emitter_, ir().CreateAdd(panel.first, first));
    emit_transform(
        emitter_, WinogradTransform::results,
        [&](int64_t y, int64_t x) {
          int64_t plane = y * kWinogradPoints + x;
          return load_lanes(ir(), vector(), at(points, plane * plan_.product_plane(width_of(panel))), nullptr);
        },
        [&](int64_t y, int64_t x, Value *value) {
          std::vector<IndexValue> index{{tile.image, 0}, {tile.y, y}, {tile.x, x}, filter};
          Value *counted = counts(emitter_, plan_.tiles, tile, y, x);
          if (counted == nullptr) return emitter_.finish(index, value, mask);
          llvm::Function *function = emitter_.function();
          auto *yes = llvm::BasicBlock::Create(ir().getContext(), "counted", function);
          auto *next = llvm::BasicBlock::Create(ir().getContext(), "next", function);
          emitter_.settle();
          ir().CreateCondBr(counted, yes, next);
          ir().SetInsertPoint(yes);
          emitter_.finish(index, value, mask);
          emitter_.settle();
          ir().CreateBr(next);
          ir().SetInsertPoint(next);
        });
    emitter_.settle();
  }

  KernelEmitter &emitter_;
  const WinogradPlan &plan_;
  llvm::Type *element_;
};

// Estimated cycles of the direct kernels and of these, for so many images.
struct WinogradCosts {
  double direct, kernel, tile;  // per image, per call, per tile
  double of(const WinogradPlan &plan, double images) const {
    double rows = std::ceil(images * static_cast<double>(plan.tiles.of_image()) / static_cast<double>(plan.length)) *
                  static_cast<double>(plan.length);
    return kernel + rows * tile;
  }
};

WinogradCosts winograd_costs(const WinogradPlan &plan) {
  double channels = static_cast<double>(plan.channels());
  double input_vectors = static_cast<double>(plan.inputs.row()) / plan.inputs.lanes;
  double filter_vectors =
      std::ceil(static_cast<double>(plan.convolution.output_channels) / static_cast<double>(plan.panels.lanes));
  double product = channels * filter_vectors / 2;
  double results = static_cast<double>(plan.tiles.height * plan.tiles.width);
  constexpr double kTaps = kWinogradTaps * kWinogradTaps;
  // A kernel beyond the level-2 cache comes with so many bytes a cycle, for each block.
  double stream = 4.0 * static_cast<double>(plan.kernel_size()) / static_cast<double>(plan.block) /
                  (plan.kernel_size() > 8 * kLargeElements ? 8 : 64);
  return {
      results * kTaps * product / kDirectEfficiency, channels * filter_vectors * kTransformCycles,
      kWinogradPlanes * product / kProductEfficiency + stream + (input_vectors + filter_vectors) * kTransformCycles};
}

// Never slower for a single image, and clearly faster for some.
bool is_faster(const WinogradPlan &plan) {
  constexpr double kSome = 8;
  constexpr int64_t kFewChannels = 8;
  if (plan.source.padded || std::min(plan.channels(), plan.convolution.output_channels) < kFewChannels) return false;
  WinogradCosts costs = winograd_costs(plan);
  return costs.of(plan, 1) < costs.direct && costs.of(plan, kSome) < 0.85 * kSome * costs.direct;
}

}  // namespace

std::optional<ContractionLowering> plan_winograd(const Convolution &convolution, const ValueLayout &input,
                                                 const Target &target) {
  if (target.winograd == Winograd::never || !suits_winograd(convolution)) return std::nullopt;
  WinogradPlan plan{convolution};
  plan.source = plan_image(input, read_range(axis_phases(convolution.y)), read_range(axis_phases(convolution.x)));
  plan.tiles = {convolution.images, convolution.y.output, convolution.x.output};
  plan.inputs = {plan.channels(), lanes_for(target, DType::f32, plan.channels())};
  unsigned lanes = lanes_for(target, DType::f32, convolution.output_channels);
  Tiling tiling = choose_tiling(target, 1, kBlockTiles, convolution.output_channels, lanes, plan.channels());
  plan.panels = make_panels(convolution.output_channels, lanes, tiling.vectors);
  plan.set_length(tiling.tile_length);
  // A single small image fills shorter products better.
  bool faster = is_faster(plan);
  for (int64_t length = plan.length; !faster && length > tiling.tile_length / 2; --length) {
    plan.set_length(length);
    faster = is_faster(plan);
  }
  if (plan.stack_bytes() > kMostStack || (target.winograd == Winograd::where_faster && !faster)) return std::nullopt;
  WinogradCosts costs = winograd_costs(plan);

  ContractionLowering lowering;
  add_padding_stage(lowering, plan.source);
  lowering.scratch_apart = (4 * plan.kernel_size() + 63) / 64 * 64;

  KernelStage kernel;
  kernel.suffix = "winograd_kernel";
  kernel.units = {plan.channels(), false};
  double per_channel = costs.kernel / kCyclesPerNanosecond / static_cast<double>(plan.channels());
  kernel.units_per_chunk = std::max<int64_t>(1, std::llround(kChunkNanoseconds / per_channel));
  set_cost(kernel, per_channel);
  kernel.emit = [plan, units = kernel.units, group = kernel.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *channel) { WinogradEmitter(emitter, plan).transform_kernel(channel); });
  };
  lowering.stages.push_back(std::move(kernel));

  KernelStage tiles;
  tiles.suffix = "winograd";
  tiles.units = plan.tiles.count();
  tiles.units_per_chunk = plan.block;
  set_cost(tiles, costs.tile / kCyclesPerNanosecond);
  tiles.emit = [plan](KernelEmitter &emitter) { WinogradEmitter(emitter, plan).convolve(); };
  lowering.stages.push_back(std::move(tiles));
  return lowering;
}

}  // namespace netc::contraction
