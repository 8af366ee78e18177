// The gradient of a convolution with respect to its kernel. A chunk of images goes through blocks of tiles: inputs and
// gradients are transformed, then in each of the 36 planes the products [channel, tile] x [tile, filter] are added to
// the chunk's partial result in scratch. A second stage adds up the partial results in their order and transforms the
// sums back to taps.
#include <algorithm>
#include <cmath>

#include "codegen/contraction/common.h"
#include "codegen/contraction/winograd.h"
#include "codegen/contraction/winograd_tiles.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// The more tiles in a block, the more seldom are the sums read and written.
constexpr int64_t kMostSummedTiles = 24;
constexpr int64_t kFewestSummedTiles = 16;
constexpr int64_t kGroupTiles = 8;
constexpr int64_t kMostImagesPerSum = 16;
constexpr int64_t kMostSumBytes = 4 * 1024 * 1024;

struct WinogradWeightsPlan {
  Convolution convolution;
  ImageSource source;
  WinogradTiles tiles;
  TransformedTiles inputs, gradients;
  Tiling tiling;  // of the products: rows are channels
  int64_t block = 1;
  int64_t images_per_sum = 1;

  int64_t channels() const { return convolution.input_channels; }
  // Floats of a partial result: [plane][channel][filter], the filters filled up to whole vectors.
  int64_t plane() const { return channels() * gradients.row(); }
  int64_t sum_size() const { return (tiles.planes() * plane() + 15) / 16 * 16; }
  Panels panels() const { return make_panels(gradients.channels, gradients.lanes, tiling.vectors); }
  Panels result_vectors() const { return gradients.vectors(); }
};

class WinogradWeightsEmitter {
 public:
  WinogradWeightsEmitter(KernelEmitter &emitter, const WinogradWeightsPlan &plan)
      : emitter_(emitter), plan_(plan), element_(emitter.ir().getFloatTy()) {}

  // This chunk's images into its own partial result.
  void add_up() {
    Value *inputs = stack_floats(emitter_, plan_.inputs.size(plan_.block));
    Value *gradients = stack_floats(emitter_, plan_.gradients.size(plan_.block));
    Value *first = ir().CreateICmpEQ(emitter_.chunk(), number(0));
    Value *other = at(other_sums(), scaled(emitter_, ir().CreateSub(emitter_.chunk(), number(1)), plan_.sum_size()));
    Value *sums = ir().CreateSelect(first, emitter_.scratch_apart(), other);
    ir().CreateMemSet(sums, ir().getInt8(0), static_cast<uint64_t>(4 * plan_.sum_size()), llvm::MaybeAlign(64));

    int64_t tiles_of_sum = plan_.images_per_sum * plan_.tiles.of_image();
    Value *begin = scaled(emitter_, emitter_.chunk(), tiles_of_sum);
    Value *end = smin(ir().CreateAdd(begin, number(tiles_of_sum)), dim_value(emitter_, plan_.tiles.count()));
    Image image = open_image(emitter_, plan_.source);
    emitter_.loop(begin, end, plan_.block, [&](Value *block) {
      Value *count = smin(ir().CreateSub(end, block), number(plan_.block));
      emitter_.loop(number(0), count, 1, [&](Value *i) {
        WinogradTile tile = locate_tile(emitter_, plan_.tiles, ir().CreateAdd(block, i));
        emit_input_tile(emitter_, plan_.convolution, plan_.tiles, image, plan_.inputs, tile,
                        tile_of_block(emitter_, plan_.inputs, inputs, i));
        emit_gradient_tile(emitter_, plan_.tiles, emitter_.operand(1), plan_.gradients, tile,
                           tile_of_block(emitter_, plan_.gradients, gradients, i));
      });
      Value *groups = ir().CreateUDiv(ir().CreateAdd(count, number(kGroupTiles - 1)), number(kGroupTiles));
      emitter_.loop(count, scaled(emitter_, groups, kGroupTiles), 1, [&](Value *i) {
        emit_zero_tile(emitter_, plan_.inputs, tile_of_block(emitter_, plan_.inputs, inputs, i));
        emit_zero_tile(emitter_, plan_.gradients, tile_of_block(emitter_, plan_.gradients, gradients, i));
      });
      emitter_.loop(number(0), number(plan_.tiles.planes()), 1, [&](Value *plane) {
        Value *a = at(inputs, scaled(emitter_, plane, plan_.inputs.plane()));
        Value *b = at(gradients, scaled(emitter_, plane, plan_.gradients.plane()));
        Value *to = at(sums, scaled(emitter_, plane, plan_.plane()));
        for_panels(emitter_, plan_.panels(), nullptr, nullptr, [&](const Panel &panel) {
          for (const Pieces &pieces : balanced(plan_.channels(), plan_.tiling.tile_length))
            for_pieces(emitter_, pieces, [&](Value *channel) {
              Value *part = ir().CreateAdd(scaled(emitter_, plane, plan_.channels()), channel);
              accumulate(panel.vectors, pieces.size, groups, next_block(block, part, pieces.size), at(a, channel),
                         at(b, panel.first), at(at(to, scaled(emitter_, channel, plan_.gradients.row())), panel.first));
            });
        });
      });
    });
  }

  // One channel of the kernel's gradient.
  void combine(Value *channel) {
    Value *images = dim_value(emitter_, plan_.convolution.images);
    Value *others = ir().CreateUDiv(ir().CreateSub(images, number(1)), number(plan_.images_per_sum));
    llvm::Type *type = accumulator_type({element_, plan_.gradients.lanes});
    Value *totals = stack_floats(emitter_, plan_.tiles.planes() * plan_.gradients.lanes);
    for_panels(emitter_, plan_.result_vectors(), nullptr, nullptr, [&](const Panel &panel) {
      Value *place = ir().CreateAdd(scaled(emitter_, channel, plan_.gradients.row()), panel.first);
      Tile tile{element_, plan_.gradients.lanes, 1};
      tile.rows = {number(0)};
      tile.product = Product::none;
      tile.reductions = {{others, number(0), number(plan_.sum_size())}};
      emitter_.loop(number(0), number(plan_.tiles.planes()), 1, [&](Value *plane) {
        Value *offset = ir().CreateAdd(scaled(emitter_, plane, plan_.plane()), place);
        Value *initial = load_lanes(ir(), type, at(emitter_.scratch_apart(), offset), nullptr);
        Value *from = at(other_sums(), offset);
        Accumulators total = emit_tile(ir(), emitter_.target(), tile, from, from, {{initial}});
        ir().CreateAlignedStore(total[0][0], at(totals, scaled(emitter_, plane, plan_.gradients.lanes)),
                                llvm::Align(4));
      });
      Value *mask = lane_mask(ir(), plan_.gradients.lanes, panel.tail);
      IndexValue row = index_of(emitter_, channel), column = index_of(emitter_, panel.first);
      emit_transform(
          emitter_, WinogradTransform::taps, plan_.tiles.y, plan_.tiles.x,
          [&](int64_t y, int64_t x) {
            int64_t plane = plan_.tiles.plane(y, x);
            return load_lanes(ir(), type, at(totals, number(plane * plan_.gradients.lanes)), nullptr);
          },
          [&](int64_t y, int64_t x, Value *value) {
            std::vector<IndexValue> index{{nullptr, y}, {nullptr, x}, row, column};
            emitter_.finish(index, value, mask);
          });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }

  // The partial results but the first, behind the padded copies of the images.
  Value *other_sums() {
    if (!plan_.source.padded) return emitter_.scratch();
    Value *images = dim_value(emitter_, plan_.convolution.images);
    return at(emitter_.scratch(), scaled(emitter_, images, open_image(emitter_, plan_.source).image_stride));
  }

  BlockPart next_block(Value *block, Value *part, int64_t rows) {
    return {ir().CreateAdd(block, number(plan_.block)), plan_.block, part,
            plan_.tiles.planes() * plan_.channels(),    rows,        plan_.block / kGroupTiles};
  }

  void accumulate(unsigned vectors, int64_t rows, Value *groups, const BlockPart &next, Value *a, Value *b, Value *to) {
    Tile tile{element_, plan_.gradients.lanes, vectors};
    for (int64_t i = 0; i < rows; ++i) tile.rows.push_back(number(i));
    tile.reductions = {{groups, number(plan_.inputs.group_size()), number(plan_.gradients.group_size())},
                       {number(kGroupTiles), number(plan_.inputs.row()), number(plan_.gradients.row())}};
    Image image = open_image(emitter_, plan_.source);
    prefetch_block(emitter_, plan_.tiles, {image.base, image.image_stride, image.row_stride}, next, tile);
    const Address &gradient = emitter_.operand(1);
    prefetch_block(emitter_, plan_.tiles, {gradient.base, gradient.strides[0], gradient.strides[1]}, next, tile);
    auto place = [&](size_t row, unsigned v) {
      return at(to, number(static_cast<int64_t>(row) * plan_.gradients.row() + v * int64_t{plan_.gradients.lanes}));
    };
    Accumulators sums(tile.rows.size());
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < vectors; ++v)
        sums[r].push_back(load_lanes(ir(), accumulator_type(tile), place(r, v), nullptr));
    sums = emit_tile(ir(), emitter_.target(), tile, a, b, std::move(sums));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < vectors; ++v) ir().CreateAlignedStore(sums[r][v], place(r, v), llvm::Align(4));
  }

  KernelEmitter &emitter_;
  const WinogradWeightsPlan &plan_;
  llvm::Type *element_;
};

// Estimated cycles.
struct WinogradWeightsCosts {
  double direct, image, sum;  // per image, per image, per partial result
};

WinogradWeightsCosts winograd_weights_costs(const WinogradWeightsPlan &plan) {
  double input_vectors = static_cast<double>(plan.inputs.row()) / plan.inputs.lanes;
  double gradient_vectors = static_cast<double>(plan.gradients.row()) / plan.gradients.lanes;
  double vectors = static_cast<double>(plan.channels()) * gradient_vectors;
  double planes = static_cast<double>(plan.tiles.planes());
  double results = static_cast<double>(plan.tiles.height * plan.tiles.width);
  double tile = planes * vectors / 2 / kProductEfficiency +
                // The sums of a block are read and written through the level-2 cache.
                planes * vectors * 4 / static_cast<double>(plan.block) +
                (input_vectors + gradient_vectors) * kTransformCycles;
  constexpr double kTaps = kWinogradTaps * kWinogradTaps;
  // Partial results are made, kept and read again in outer caches.
  constexpr double kSumCycles = 16;
  return {results * kTaps * vectors / 2 / kDirectEfficiency, static_cast<double>(plan.tiles.of_image()) * tile,
          planes * vectors * kSumCycles};
}

bool is_faster(const WinogradWeightsPlan &plan, const WinogradWeightsCosts &costs) {
  constexpr int64_t kFewChannels = 8;
  if (plan.source.padded || std::min(plan.channels(), plan.gradients.channels) < kFewChannels) return false;
  double images = static_cast<double>(plan.images_per_sum);
  return images * costs.image + costs.sum < 0.85 * images * costs.direct;
}

}  // namespace

std::optional<WinogradLowering> plan_winograd_weights(const Convolution &convolution, const ValueLayout &input,
                                                      const Target &target) {
  std::optional<WinogradTiles> suitable = winograd_tiles(convolution);
  if (target.winograd == Winograd::never || !suitable) return std::nullopt;
  WinogradWeightsPlan plan{convolution};
  plan.tiles = *suitable;
  plan.source = tiled_image(convolution, plan.tiles, input);
  int64_t channels = plan.channels(), filters = convolution.output_channels;
  plan.inputs = {plan.tiles.planes(), channels, lanes_for(target, DType::f32, channels), kGroupTiles};
  plan.gradients = {plan.tiles.planes(), filters, lanes_for(target, DType::f32, filters), kGroupTiles};
  int64_t group_bytes = 4 * (plan.inputs.group_size() + plan.gradients.group_size());
  plan.block = std::min(kMostSummedTiles, kMostStack / group_bytes * kGroupTiles);
  if (plan.block < kFewestSummedTiles || 4 * plan.sum_size() > kMostSumBytes) return std::nullopt;
  plan.tiling = choose_tiling(target, 1, channels, filters, plan.gradients.lanes, plan.block);
  WinogradWeightsCosts costs = winograd_weights_costs(plan);
  constexpr double kWorkForSum = 20;  // computing a partial result is to take so many times what keeping it takes
  plan.images_per_sum = std::clamp<int64_t>(std::llround(kWorkForSum * costs.sum / costs.image), 1, kMostImagesPerSum);
  if (target.winograd == Winograd::where_faster && !is_faster(plan, costs)) return std::nullopt;

  ContractionLowering lowering;
  add_padding_stage(lowering, plan.source);
  const Dim images = convolution.images;
  int64_t bytes = 4 * plan.sum_size();
  lowering.scratch_apart = bytes;
  int64_t of_others = ((images.size * bytes + plan.images_per_sum - 1) / plan.images_per_sum + 63) / 64 * 64;
  (images.batch ? lowering.scratch_batch : lowering.scratch_fixed) += of_others;

  KernelStage tiles;
  tiles.suffix = "winograd";
  tiles.units = images;
  tiles.units_per_chunk = plan.images_per_sum;
  set_cost(tiles, costs.image / kCyclesPerNanosecond);
  tiles.emit = [plan](KernelEmitter &emitter) { WinogradWeightsEmitter(emitter, plan).add_up(); };
  lowering.stages.push_back(std::move(tiles));

  KernelStage combination;
  combination.suffix = "winograd_combine";
  combination.units = {channels, false};
  combination.units_per_chunk = std::max<int64_t>(1, 2048 / filters);
  double combining = costs.sum / 2 / kCyclesPerNanosecond;
  combination.fixed_nanoseconds = combining;
  (images.batch ? combination.batch_nanoseconds : combination.fixed_nanoseconds) +=
      combining * static_cast<double>(images.size) / static_cast<double>(plan.images_per_sum);
  combination.emit = [plan, units = combination.units, group = combination.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *channel) { WinogradWeightsEmitter(emitter, plan).combine(channel); });
  };
  lowering.stages.push_back(std::move(combination));
  return WinogradLowering{std::move(lowering)};
}

}  // namespace netc::contraction
