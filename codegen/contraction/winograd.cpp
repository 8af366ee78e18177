// Whether and how a convolution, or the gradient of one with respect to its input, is done by Winograd's algorithm.
#include "codegen/contraction/winograd.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "codegen/contraction/winograd_forward.h"

namespace netc::contraction {

namespace {

// Rows of products are chosen for so many tiles, ...
constexpr int64_t kTilesOfTiling = 28;
// ... of which a block has about so many: one product a plane. Threads share many small blocks more evenly.
constexpr int64_t kBlockTiles = 14;
// A transformed kernel of more floats would be read from beyond the level-2 cache for every block.
constexpr int64_t kMostBlockKernel = 768 * 1024;
// Half of a level-2 cache and more: a panel of the kernel that is larger would leave nothing for the inputs.
constexpr int64_t kMostPanelStack = 1536 * 1024;
constexpr int64_t kProductsOfFarPanel = 4;
// Bytes of a plane of a panel that several products find in the first-level cache.
constexpr int64_t kMostNearPanel = 32 * 1024;
constexpr double kFarBytesPerCycle = 6;
constexpr int64_t kFewChannels = 8;
constexpr int64_t kMostLeastBatch = 16;

void set_length(WinogradPlan &plan, int64_t length) {
  plan.length = length;
  plan.block = length * std::max<int64_t>(1, (kBlockTiles + length / 2) / length);
  while (block_stack_bytes(plan) > kMostStack && plan.block > length) plan.block -= length;
}

double far_cycles(int64_t floats) {
  return floats < kFarElements ? 0 : 4 * static_cast<double>(floats) / kFarBytesPerCycle;
}

WinogradCosts winograd_costs(const WinogradPlan &plan) {
  double channels = static_cast<double>(plan.channels());
  double input_vectors = static_cast<double>(plan.inputs.row()) / plan.inputs.lanes;
  double filter_vectors =
      std::ceil(static_cast<double>(plan.convolution.output_channels) / static_cast<double>(plan.panels.lanes));
  double product = channels * filter_vectors / 2;
  double planes = static_cast<double>(plan.tiles.planes());
  double transform = kTransformCycles * planes / 36;
  double results = static_cast<double>(plan.tiles.height * plan.tiles.width);
  constexpr double kTaps = kWinogradTaps * kWinogradTaps;
  int64_t taps = kWinogradTaps * kWinogradTaps * plan.channels() * plan.convolution.output_channels;
  WinogradCosts costs;
  costs.direct = std::max(results * kTaps * product / kDirectEfficiency, far_cycles(taps));
  double far_kernel = plan.kernel_in_memory ? far_cycles(plan.kernel_size()) : 0;
  costs.transform = channels * filter_vectors * transform + far_cycles(taps) + far_kernel;
  costs.kernel = plan.constant_kernel ? 0 : costs.transform;
  costs.input_tile = input_vectors * transform;
  costs.results_tile = filter_vectors * transform;
  costs.product = planes * product / kProductEfficiency;
  costs.kernel += far_kernel;
  if (!plan.in_stages)
    costs.product += 4.0 * static_cast<double>(plan.kernel_size()) / static_cast<double>(plan.block) / 64;
  return costs;
}

// The fewest images that this way is faster for, not counting how evenly it may turn out; 0: never.
int64_t least_batch(const WinogradPlan &plan) {
  if (plan.source.padded || std::min(plan.channels(), plan.convolution.output_channels) < kFewChannels) return 0;
  WinogradCosts costs = winograd_costs(plan);
  auto faster = [&](int64_t images) {
    double tiles = static_cast<double>(images * plan.tiles.of_image());
    double length = static_cast<double>(plan.length);
    double cycles = costs.kernel + tiles * (costs.input_tile + costs.results_tile) +
                    std::ceil(tiles / length) * length * costs.product;
    return cycles < 0.9 * static_cast<double>(images) * costs.direct;
  };
  const Dim images = plan.convolution.images;
  if (!images.batch) return faster(images.size) ? 1 : 0;
  for (int64_t batch = 1; batch <= kMostLeastBatch; ++batch)
    if (faster(batch * images.size)) return batch;
  return 0;
}

// What the larger half of the blocks of so many samples takes, when two threads share them: full products, the last one
// too.
double cycles_of_half(const WinogradPlan &plan, int64_t samples) {
  const int64_t tiles = plan.tiles.count().size * (plan.tiles.count().batch ? samples : 1);
  int64_t blocks = (tiles + plan.block - 1) / plan.block;
  int64_t first = blocks / 2 * plan.block;
  int64_t second = (tiles - first + plan.length - 1) / plan.length * plan.length;
  return static_cast<double>(std::max(first, second)) * step_cycles(plan.length, plan.panels.vectors) /
         static_cast<double>(plan.length);
}
// Of usual calls, which at inference are of single samples, too.
double cycles_of_calls(const WinogradPlan &plan) {
  double cycles = cycles_of_half(plan, kTypicalBatch);
  return plan.constant_kernel ? cycles * cycles_of_half(plan, 1) : cycles;
}

WinogradPlan plan_blocks(WinogradPlan plan, const Target &target) {
  constexpr double kClearly = 0.97;
  constexpr int64_t kFewestRows = 8;
  Tiling tiling = choose_tiling(target, 1, kTilesOfTiling, plan.panels.columns, plan.panels.lanes, plan.channels());
  plan.panels = make_panels(plan.panels.columns, plan.panels.lanes, tiling.vectors);
  set_length(plan, tiling.tile_length);
  // A few blocks, or a last one that is nearly empty, may suit another length much better.
  WinogradPlan other = plan;
  for (int64_t length = tiling.tile_length - 1; length >= std::min(kFewestRows, tiling.tile_length); --length) {
    set_length(other, length);
    if (cycles_of_calls(other) < kClearly * cycles_of_calls(plan)) plan = other;
  }
  tiling.tile_length = plan.length;
  // A single small image fills shorter products better.
  WinogradPlan best = plan;
  int64_t least = least_batch(plan);
  for (int64_t length = plan.length; least != 1 && length > tiling.tile_length / 2; --length) {
    set_length(plan, length);
    int64_t batch = least_batch(plan);
    if (batch == 0 || (least != 0 && batch >= least)) continue;
    least = batch;
    best = plan;
  }
  return best;
}

// Rows of a product that suit the usual numbers of tiles, powers of two: at inference blocks of 16 samples, in training
// batches of 32, with one tile or more each.
int64_t rows_of_stages(const WinogradPlan &plan, const Target &target, int64_t vectors) {
  int64_t best = 1, samples = plan.constant_kernel ? 16 : 32;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t rows = 1; rows <= most_rows(target, vectors); ++rows) {
    double cycles = 0;  // for a tile
    for (int64_t tiles : {samples, 2 * samples, 4 * samples})
      cycles +=
          static_cast<double>((tiles + rows - 1) / rows) * step_cycles(rows, vectors) / static_cast<double>(tiles);
    if (cycles >= least) continue;
    least = cycles;
    best = rows;
  }
  return best;
}

WinogradPlan plan_stages(WinogradPlan plan, const Target &target) {
  plan.in_stages = true;
  int64_t vectors = std::min<int64_t>(2, (plan.panels.columns + plan.panels.lanes - 1) / plan.panels.lanes);
  if (plan.constant_kernel && 4 * plan.channels() * vectors * plan.panels.lanes > kMostNearPanel) vectors = 1;
  plan.panels = make_panels(plan.panels.columns, plan.panels.lanes, vectors);
  plan.length = plan.block = rows_of_stages(plan, target, vectors);
  plan.kernel_in_memory = plan.constant_kernel || panel_stack_bytes(plan) > kMostPanelStack;
  // A panel comes from the level-2 cache for every product, from further away for several at a time.
  if (plan.kernel_in_memory) plan.block *= kProductsOfFarPanel;
  plan.inputs.group = plan.block;
  return plan;
}

}  // namespace

std::optional<LoweringForBatches> plan_winograd(const Convolution &convolution, const ValueLayout &input,
                                                const Target &target, bool constant_kernel) {
  std::optional<WinogradTiles> tiles = winograd_tiles(convolution);
  if (target.winograd == Winograd::never || !tiles) return std::nullopt;
  WinogradPlan plan{convolution, *tiles, tiled_image(convolution, *tiles, input), constant_kernel};
  plan.inputs = {tiles->planes(), plan.channels(), lanes_for(target, DType::f32, plan.channels())};
  plan.panels = make_panels(convolution.output_channels, lanes_for(target, DType::f32, convolution.output_channels), 1);
  bool in_stages = target.winograd == Winograd::wherever_possible_in_stages ||
                   (target.winograd == Winograd::where_faster && plan.kernel_size() > kMostBlockKernel);
  plan = in_stages ? plan_stages(plan, target) : plan_blocks(plan, target);
  if (!in_stages && block_stack_bytes(plan) > kMostStack) return std::nullopt;

  LoweringForBatches winograd;
  winograd.least_batch = target.winograd == Winograd::where_faster ? least_batch(plan) : 1;
  if (winograd.least_batch == 0) return std::nullopt;
  WinogradCosts costs = winograd_costs(plan);
  add_padding_stage(winograd.lowering, plan.source);
  if (plan.kernel_in_memory) {
    winograd.lowering.scratch_apart = whole_lines(4 * plan.kernel_size());
    winograd.lowering.stages.push_back(transform_kernel_stage(plan, costs.transform));
  }
  if (constant_kernel)
    winograd.lowering.prepared_as =
        fmt::format("winograd {} {} {}", plan.tiles.y.points, plan.tiles.x.points, plan.panels.width());
  if (in_stages)
    add_winograd_stages(winograd.lowering, plan, costs);
  else
    add_winograd_blocks(winograd.lowering, plan, costs);
  return winograd;
}

}  // namespace netc::contraction
