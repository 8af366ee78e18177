// The gradient of a convolution with respect to its kernel.
//
// Small kernels: a chunk of images goes through blocks of tiles: inputs and gradients are transformed, then in each of
// the planes the products [channel, tile] x [tile, filter] are added to the chunk's partial result in scratch. A second
// stage adds up the partial results in their order and transforms the sums back to taps.
//
// Large ones, in stages: all tiles are transformed; each plane is one product over all of them; the sums are
// transformed back. Nothing larger than a level-2 cache is read or written twice.
#include <algorithm>
#include <bit>
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
constexpr int64_t kMostSumBytes = 2 * 1024 * 1024;
constexpr int64_t kMostSumBytesOfFewTiles = 1024 * 1024;
constexpr int64_t kFewTiles = 4;        // of an image
constexpr int64_t kStepsInStages = 64;  // more or less: it depends on the batch

struct WinogradWeightsPlan {
  Convolution convolution;
  ImageSource source;
  WinogradTiles tiles;
  TransformedTiles inputs, gradients;
  Tiling tiling;  // of the products: rows are channels
  int64_t block = 1;
  int64_t images_per_sum = 1;
  bool in_stages = false;

  int64_t channels() const { return convolution.input_channels; }
  // Floats of a partial result: [plane][channel][filter], the filters filled up to whole vectors.
  int64_t plane() const { return channels() * gradients.row() + TransformedTiles::kCacheLineFloats; }
  int64_t sum_size() const { return (tiles.planes() * plane() + 15) / 16 * 16; }
  int64_t panel_count() const { return panels().whole + (panels().rest_vectors > 0 ? 1 : 0); }
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

  // In stages: so many groups of tiles, zeros behind the last tile.
  void transform_groups(int64_t groups) {
    Value *begin = scaled(emitter_, emitter_.chunk(), groups);
    Value *end = smin(ir().CreateAdd(begin, number(groups)), group_count());
    emitter_.loop(begin, end, 1, [&](Value *group) { transform_group(group); });
  }
  void transform_group(Value *group) {
    Value *all = dim_value(emitter_, plan_.tiles.count());
    Value *begin = scaled(emitter_, group, kGroupTiles), *end = ir().CreateAdd(begin, number(kGroupTiles));
    Image image = open_image(emitter_, plan_.source);
    emitter_.loop(begin, smin(end, all), 1, [&](Value *i) {
      WinogradTile tile = locate_tile(emitter_, plan_.tiles, i);
      emit_input_tile(emitter_, plan_.convolution, plan_.tiles, image, plan_.inputs, tile,
                      tile_of_block(emitter_, plan_.inputs, all_inputs(), i));
      emit_gradient_tile(emitter_, plan_.tiles, emitter_.operand(1), plan_.gradients, tile,
                         tile_of_block(emitter_, plan_.gradients, all_gradients(), i));
    });
    emitter_.loop(smin(end, all), end, 1, [&](Value *i) {
      emit_zero_tile(emitter_, plan_.inputs, tile_of_block(emitter_, plan_.inputs, all_inputs(), i));
      emit_zero_tile(emitter_, plan_.gradients, tile_of_block(emitter_, plan_.gradients, all_gradients(), i));
    });
  }

  // In stages: a panel of filters of one plane.
  void multiply(Value *unit) {
    Panels panels = plan_.panels();
    Value *count = number(plan_.panel_count());
    Value *plane = ir().CreateUDiv(unit, count);
    Value *column = scaled(emitter_, ir().CreateURem(unit, count), panels.width());
    Value *column_end = smin(ir().CreateAdd(column, number(panels.width())), number(panels.columns));
    Value *a = at(all_inputs(), scaled(emitter_, plane, plan_.inputs.plane()));
    Value *b = at(all_gradients(), scaled(emitter_, plane, plan_.gradients.plane()));
    Value *to = at(emitter_.scratch_apart(), scaled(emitter_, plane, plan_.plane()));
    std::vector<Pieces> all_pieces = balanced(plan_.channels(), plan_.tiling.tile_length);
    int64_t products = 0;  // of a panel
    for (const Pieces &pieces : all_pieces) products += pieces.count;
    Value *before = scaled(emitter_, ir().CreateURem(unit, count), products);
    for_panels(emitter_, panels, column, column_end, [&](const Panel &panel) {
      for (const Pieces &pieces : all_pieces)
        for_pieces(emitter_, pieces, [&](Value *channel) {
          Tile tile = product_tile(panel.vectors, pieces.size, group_count());
          Value *product = ir().CreateAdd(before, ir().CreateUDiv(channel, number(all_pieces.back().size)));
          prefetch_next_plane(tile, plan_.inputs, a, product, plan_.panel_count() * products);
          prefetch_next_plane(tile, plan_.gradients, b, product, plan_.panel_count() * products);
          Accumulators sums = emit_tile(ir(), emitter_.target(), tile, at(a, channel), at(b, panel.first));
          store(sums, at(at(to, scaled(emitter_, channel, plan_.gradients.row())), panel.first));
        });
    });
  }

  // One channel of the kernel's gradient.
  void combine(Value *channel) {
    Value *images = dim_value(emitter_, plan_.convolution.images);
    Value *others = ir().CreateUDiv(ir().CreateSub(images, number(1)), number(plan_.images_per_sum));
    llvm::Type *type = accumulator_type({element_, plan_.gradients.lanes});
    if (plan_.in_stages) {
      for_panels(emitter_, plan_.result_vectors(), nullptr, nullptr, [&](const Panel &panel) {
        Value *place = ir().CreateAdd(scaled(emitter_, channel, plan_.gradients.row()), panel.first);
        finish_taps(panel, channel, at(emitter_.scratch_apart(), place), plan_.plane());
      });
      return;
    }
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
      finish_taps(panel, channel, totals, plan_.gradients.lanes);
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }

  // Transforms the sums of one vector of filters, whose planes are so far apart.
  void finish_taps(const Panel &panel, Value *channel, Value *sums, int64_t plane_size) {
    llvm::Type *type = accumulator_type({element_, plan_.gradients.lanes});
    Value *mask = lane_mask(ir(), plan_.gradients.lanes, panel.tail);
    IndexValue row = index_of(emitter_, channel), column = index_of(emitter_, panel.first);
    emit_transform(
        emitter_, WinogradTransform::taps, plan_.tiles.y, plan_.tiles.x,
        [&](int64_t y, int64_t x) {
          return load_lanes(ir(), type, at(sums, number(plan_.tiles.plane(y, x) * plane_size)), nullptr);
        },
        [&](int64_t y, int64_t x, Value *value) {
          std::vector<IndexValue> index{{nullptr, y}, {nullptr, x}, row, column};
          emitter_.finish(index, value, mask);
        });
    emitter_.settle();
  }

  // In stages: whole groups of all tiles, behind the padded copies of the images.
  Value *group_count() {
    Value *all = dim_value(emitter_, plan_.tiles.count());
    return ir().CreateUDiv(ir().CreateAdd(all, number(kGroupTiles - 1)), number(kGroupTiles));
  }
  Value *all_inputs() { return other_sums(); }
  Value *all_gradients() { return at(all_inputs(), scaled(emitter_, group_count(), plan_.inputs.group_size())); }

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
    Tile tile = product_tile(vectors, rows, groups);
    Image image = open_image(emitter_, plan_.source);
    prefetch_block(emitter_, plan_.tiles, {image.base, image.image_stride, image.row_stride}, next, tile);
    const Address &gradient = emitter_.operand(1);
    prefetch_block(emitter_, plan_.tiles, {gradient.base, gradient.strides[0], gradient.strides[1]}, next, tile);
    Accumulators sums(tile.rows.size());
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < vectors; ++v)
        sums[r].push_back(load_lanes(ir(), accumulator_type(tile), sum_at(to, r, v), nullptr));
    store(emit_tile(ir(), emitter_.target(), tile, a, b, std::move(sums)), to);
  }

  // In stages: a part of the next plane of every group, in the turn of the loop for that group.
  void prefetch_next_plane(Tile &tile, const TransformedTiles &tiles, Value *plane, Value *product, int64_t products) {
    constexpr int64_t kLine = TransformedTiles::kCacheLineFloats;
    int64_t lines = (tiles.plane() + products * kLine - 1) / (products * kLine);
    Value *start = at(at(plane, number(tiles.plane())), scaled(emitter_, product, lines * kLine));
    Ahead ahead{start, false};
    for (int64_t line = 0; line < lines; ++line) ahead.offsets.push_back(number(line * kLine));
    ahead.turn = number(tiles.group_size());
    tile.ahead.push_back(std::move(ahead));
  }

  Tile product_tile(unsigned vectors, int64_t rows, Value *groups) {
    Tile tile{element_, plan_.gradients.lanes, vectors};
    for (int64_t i = 0; i < rows; ++i) tile.rows.push_back(number(i));
    tile.reductions = {{groups, number(plan_.inputs.group_size()), number(plan_.gradients.group_size())},
                       {number(kGroupTiles), number(plan_.inputs.row()), number(plan_.gradients.row())}};
    return tile;
  }

  Value *sum_at(Value *sums, size_t row, unsigned v) {
    return at(sums, number(static_cast<int64_t>(row) * plan_.gradients.row() + v * int64_t{plan_.gradients.lanes}));
  }
  void store(const Accumulators &sums, Value *to) {
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < sums[r].size(); ++v)
        ir().CreateAlignedStore(sums[r][v], sum_at(to, r, v), llvm::Align(4));
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
  double tile = planes * vectors / 2 / kProductEfficiency + (input_vectors + gradient_vectors) * kTransformCycles;
  // The sums of a block are read and written through the level-2 cache.
  if (!plan.in_stages) tile += planes * vectors * 4 / static_cast<double>(plan.block);
  constexpr double kTaps = kWinogradTaps * kWinogradTaps;
  // Partial results are made, kept and read again in outer caches.
  constexpr double kSumCycles = 16;
  return {results * kTaps * vectors / 2 / kDirectEfficiency, static_cast<double>(plan.tiles.of_image()) * tile,
          planes * vectors * kSumCycles};
}

// The fewest images that this way is clearly faster for; 0: never.
int64_t least_batch(const WinogradWeightsPlan &plan, const WinogradWeightsCosts &costs) {
  constexpr int64_t kFewChannels = 8, kMostLeastBatch = 16;
  if (plan.source.padded || std::min(plan.channels(), plan.gradients.channels) < kFewChannels) return 0;
  auto faster = [&](int64_t count) {
    double images = static_cast<double>(count);
    return images * costs.image + costs.sum < 0.85 * images * costs.direct;
  };
  if (!plan.in_stages) return faster(plan.images_per_sum) ? 1 : 0;
  const Dim images = plan.convolution.images;
  if (!images.batch) return faster(images.size) ? 1 : 0;
  for (int64_t batch = 1; batch <= kMostLeastBatch; ++batch)
    if (faster(batch * images.size)) return batch;
  return 0;
}

void add_blocks(ContractionLowering &lowering, const WinogradWeightsPlan &plan, const WinogradWeightsCosts &costs) {
  const Dim images = plan.convolution.images;
  int64_t of_others = whole_lines((images.size * 4 * plan.sum_size() + plan.images_per_sum - 1) / plan.images_per_sum);
  (images.batch ? lowering.scratch_batch : lowering.scratch_fixed) += of_others;
  KernelStage stage;
  stage.suffix = "winograd";
  stage.units = images;
  stage.units_per_chunk = plan.images_per_sum;
  set_cost(stage, costs.image / kCyclesPerNanosecond);
  stage.emit = [plan](KernelEmitter &emitter) { WinogradWeightsEmitter(emitter, plan).add_up(); };
  lowering.stages.push_back(std::move(stage));
}

void add_stages(ContractionLowering &lowering, const WinogradWeightsPlan &plan, const WinogradWeightsCosts &costs) {
  const Dim tiles = plan.tiles.count();
  int64_t group_bytes = 4 * (plan.inputs.group_size() + plan.gradients.group_size());
  int64_t of_tiles = whole_lines((tiles.size * group_bytes + kGroupTiles - 1) / kGroupTiles);
  (tiles.batch ? lowering.scratch_batch : lowering.scratch_fixed) += of_tiles;
  lowering.scratch_fixed += whole_lines(group_bytes);

  KernelStage transform;
  transform.suffix = "winograd_inputs";
  transform.units = tiles;
  double vectors =
      static_cast<double>(plan.inputs.row() / plan.inputs.lanes + plan.gradients.row() / plan.gradients.lanes);
  double nanoseconds_of_tile = vectors * kTransformCycles / kCyclesPerNanosecond;
  int64_t groups =
      std::max<int64_t>(1, std::llround(kChunkNanoseconds / nanoseconds_of_tile / static_cast<double>(kGroupTiles)));
  transform.units_per_chunk = groups * kGroupTiles;
  set_cost(transform, nanoseconds_of_tile);
  transform.emit = [plan, groups](KernelEmitter &emitter) {
    WinogradWeightsEmitter(emitter, plan).transform_groups(groups);
  };
  lowering.stages.push_back(std::move(transform));

  KernelStage stage;
  stage.suffix = "winograd";
  stage.units = {plan.tiles.planes() * plan.panel_count(), false};
  double cost = costs.image / kCyclesPerNanosecond * static_cast<double>(plan.convolution.images.size);
  (tiles.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) = cost;
  stage.emit = [plan](KernelEmitter &emitter) { WinogradWeightsEmitter(emitter, plan).multiply(emitter.chunk()); };
  lowering.stages.push_back(std::move(stage));
}

void add_combination(ContractionLowering &lowering, const WinogradWeightsPlan &plan,
                     const WinogradWeightsCosts &costs) {
  const Dim images = plan.convolution.images;
  KernelStage stage;
  stage.suffix = "winograd_combine";
  stage.units = {plan.channels(), false};
  stage.units_per_chunk = std::max<int64_t>(1, 512 / plan.gradients.channels);
  double combining = costs.sum / 2 / kCyclesPerNanosecond;
  stage.fixed_nanoseconds = combining;
  if (!plan.in_stages)
    (images.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) +=
        combining * static_cast<double>(images.size) / static_cast<double>(plan.images_per_sum);
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *channel) { WinogradWeightsEmitter(emitter, plan).combine(channel); });
  };
  lowering.stages.push_back(std::move(stage));
}

}  // namespace

std::optional<LoweringForBatches> plan_winograd_weights(const Convolution &convolution, const ValueLayout &input,
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
  plan.in_stages = target.winograd == Winograd::wherever_possible_in_stages || plan.block < kFewestSummedTiles ||
                   4 * plan.sum_size() > (plan.tiles.of_image() > kFewTiles ? kMostSumBytes : kMostSumBytesOfFewTiles);
  int64_t steps = plan.in_stages ? kStepsInStages : plan.block;
  plan.tiling = choose_tiling(target, 1, channels, filters, plan.gradients.lanes, steps);
  WinogradWeightsCosts costs = winograd_weights_costs(plan);
  constexpr double kWorkForSum = 20;  // computing a partial result is to take so many times what keeping it takes
  plan.images_per_sum = std::clamp<int64_t>(std::llround(kWorkForSum * costs.sum / costs.image), 1, kMostImagesPerSum);
  // A power of two, as batches are more often than not, so that two threads have equal shares.
  plan.images_per_sum = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(plan.images_per_sum)));

  LoweringForBatches winograd;
  winograd.least_batch = target.winograd == Winograd::where_faster ? least_batch(plan, costs) : 1;
  if (winograd.least_batch == 0) return std::nullopt;
  ContractionLowering &lowering = winograd.lowering;
  add_padding_stage(lowering, plan.source);
  lowering.scratch_apart = 4 * plan.sum_size();
  plan.in_stages ? add_stages(lowering, plan, costs) : add_blocks(lowering, plan, costs);
  add_combination(lowering, plan, costs);
  return winograd;
}

}  // namespace netc::contraction
