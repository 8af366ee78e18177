// Vectors lie along the channels of the input: a tile is so many neighbouring pixels of one filter, each the product of
// channels and weights lane by lane. In the end the lanes of each pixel are added up, all pixels of the tile at once,
// and leave as one vector along the row.
#include "codegen/contraction/few_filters.h"

#include <algorithm>
#include <bit>

#include "codegen/contraction/common.h"
#include "codegen/contraction/image.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kShareOfLanes = 4;  // the most filters: this part of a vector

struct FewFiltersPlan {
  Convolution convolution;
  ImageSource source;
  AxisPhase rows, columns;
  unsigned lanes = 1;         // of the channels of the input, a power of two
  unsigned tail = 0;          // channels, where they are fewer than the lanes
  int64_t pixels = 1;         // of a tile: a vector of results
  int64_t channel_steps = 1;  // vectors of channels

  int64_t taps() const { return convolution.y.kernel * convolution.x.kernel; }
  int64_t filter_elements() const { return taps() * convolution.input_channels; }
};

class FewFiltersEmitter {
 public:
  FewFiltersEmitter(KernelEmitter &emitter, const FewFiltersPlan &plan)
      : emitter_(emitter),
        plan_(plan),
        convolution_(plan.convolution),
        element_(element_type(emitter, convolution_.dtype)),
        image_(open_image(emitter, plan.source)) {}

  // The kernel, filter by filter.
  void pack() {
    const int64_t filters = convolution_.output_channels;
    llvm::Align align(element_->getPrimitiveSizeInBits() / 8);
    for_range(emitter_, number(0), number(filters), 1, [&](Value *filter) {
      Value *from = at(emitter_.operand(1).base, filter), *to = filter_at(filter);
      for_range(emitter_, number(0), number(plan_.filter_elements()), 1, [&](Value *i) {
        Value *weight = ir().CreateAlignedLoad(element_, at(from, scaled(emitter_, i, filters)), align);
        ir().CreateAlignedStore(weight, at(to, i), align);
      });
    });
  }

  // One row of an image.
  void run(Value *unit) {
    Value *height = number(plan_.rows.outputs);
    Value *image = ir().CreateSDiv(unit, height), *row = ir().CreateSRem(unit, height);
    Value *start = at(image_.base, scaled(emitter_, image, image_.image_stride));
    Value *first = ir().CreateAdd(scaled(emitter_, row, plan_.rows.input_per_output), number(plan_.rows.first_input));
    start = at(start, scaled(emitter_, first, image_.row_stride));
    start = at(start, number(plan_.columns.first_input * image_.pixel_stride));
    for_range(emitter_, number(0), number(convolution_.output_channels), 1, [&](Value *filter) {
      for (const Pieces &pieces : balanced(plan_.columns.outputs, plan_.pixels))
        for_pieces(emitter_, pieces, [&](Value *column) { emit(image, row, filter, start, column, pieces.size); });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  Value *filter_at(Value *filter) {
    if (convolution_.output_channels == 1) return emitter_.operand(1).base;
    return at(emitter_.scratch_apart(), scaled(emitter_, filter, plan_.filter_elements()));
  }

  void emit(Value *image, Value *row, Value *filter, Value *start, Value *column, int64_t count) {
    int64_t step = plan_.columns.input_per_output * image_.pixel_stride, channels = convolution_.input_channels;
    Tile tile{element_, plan_.lanes, 1, plan_.tail};
    tile.product = Product::pointwise;
    for (int64_t pixel = 0; pixel < count; ++pixel) tile.rows.push_back(number(pixel * step));
    tile.reductions = {
        {number(plan_.rows.taps), number(plan_.rows.input_per_tap * image_.row_stride),
         number(convolution_.x.kernel * channels)},
        {number(plan_.columns.taps), number(plan_.columns.input_per_tap * image_.pixel_stride), number(channels)},
        {number(plan_.channel_steps), number(plan_.lanes), number(plan_.lanes)}};
    Accumulators sums =
        emit_tile(ir(), emitter_.target(), tile, at(start, scaled(emitter_, column, step)), filter_at(filter));
    std::vector<Value *> products;
    for (const auto &pixel : sums) products.push_back(pixel[0]);
    unsigned inside = count == plan_.pixels ? 0 : static_cast<unsigned>(count);
    Value *mask = lane_mask(ir(), static_cast<unsigned>(plan_.pixels), inside);
    std::vector<IndexValue> place = {
        {image, 0}, index_of(emitter_, row), index_of(emitter_, column), index_of(emitter_, filter)};
    emitter_.finish(place, add_lanes(std::move(products)), mask, 2);
    emitter_.settle();
  }

  // The sum of the lanes of each vector, as one vector of plan_.pixels lanes; those behind the last vector are zeros.
  Value *add_lanes(std::vector<Value *> vectors) {
    vectors.resize(static_cast<size_t>(plan_.pixels), llvm::Constant::getNullValue(vectors[0]->getType()));
    // Neighbouring lanes of two vectors are added, so that each of both has half of the sum, until as many vectors are
    // one as it has lanes.
    for (unsigned width = plan_.lanes; width > 1; width /= 2) {
      std::vector<int> even, odd;
      for (int lane = 0; lane < static_cast<int>(2 * plan_.lanes); lane += 2) {
        even.push_back(lane);
        odd.push_back(lane + 1);
      }
      for (size_t i = 0; i < vectors.size() / 2; ++i) {
        Value *a = vectors[2 * i], *b = vectors[2 * i + 1];
        vectors[i] = ir().CreateFAdd(ir().CreateShuffleVector(a, b, even), ir().CreateShuffleVector(a, b, odd));
      }
      vectors.resize(vectors.size() / 2);
    }
    for (int lanes = static_cast<int>(plan_.lanes); vectors.size() > 1; lanes *= 2) {
      std::vector<int> both;
      for (int lane = 0; lane < 2 * lanes; ++lane) both.push_back(lane);
      for (size_t i = 0; i < vectors.size() / 2; ++i)
        vectors[i] = ir().CreateShuffleVector(vectors[2 * i], vectors[2 * i + 1], both);
      vectors.resize(vectors.size() / 2);
    }
    return vectors[0];
  }

  KernelEmitter &emitter_;
  const FewFiltersPlan &plan_;
  const Convolution &convolution_;
  llvm::Type *element_;
  Image image_;
};

}  // namespace

std::optional<ContractionLowering> plan_few_filters(const Convolution &convolution, const ValueLayout &input,
                                                    const Target &target, bool constant_kernel) {
  std::vector<AxisPhase> rows = axis_phases(convolution.y), columns = axis_phases(convolution.x);
  if (convolution.groups != 1 || rows.size() > 1 || columns.size() > 1) return std::nullopt;
  const int64_t channels = convolution.input_channels, filters = convolution.output_channels;
  const auto most = static_cast<int64_t>(target.lanes(convolution.dtype));
  if (filters * kShareOfLanes > most || channels < filters * kShareOfLanes) return std::nullopt;
  FewFiltersPlan plan{convolution, plan_image(input, read_range(rows), read_range(columns)), rows[0], columns[0]};
  plan.pixels = most;
  if (channels < most) {
    plan.lanes = lanes_for(target, convolution.dtype, channels);
    if (channels < plan.lanes) plan.tail = static_cast<unsigned>(channels);
  } else {
    plan.lanes = static_cast<unsigned>(std::min<int64_t>(most, channels & -channels));
  }
  if (plan.lanes < kShareOfLanes) return std::nullopt;
  plan.channel_steps = (channels + plan.lanes - 1) / plan.lanes;

  ContractionLowering lowering;
  add_padding_stage(lowering, plan.source);
  if (filters > 1) {
    KernelStage pack;
    pack.suffix = "pack";
    pack.prepares = true;
    int64_t bytes = filters * plan.filter_elements() * static_cast<int64_t>(byte_size(convolution.dtype));
    lowering.scratch_apart = (bytes + 63) / 64 * 64;
    if (constant_kernel) lowering.prepared_as = "kernel by filters";
    pack.fixed_nanoseconds = static_cast<double>(bytes) / 4;
    pack.emit = [plan](KernelEmitter &emitter) { FewFiltersEmitter(emitter, plan).pack(); };
    lowering.stages.push_back(std::move(pack));
  }
  KernelStage stage;
  stage.suffix = plan.source.padded ? "tile" : "";
  stage.units = {convolution.images.size * plan.rows.outputs, convolution.images.batch};
  // In multiply-adds on whole vectors; adding up the lanes takes about three operations a pixel.
  auto vectors = static_cast<double>(plan.taps() * plan.channel_steps + 3);
  double work = vectors * static_cast<double>(plan.columns.outputs * filters * most);
  stage.units_per_chunk = even_units(stage.units, units_per_chunk(work));
  set_cost(stage, nanoseconds(work));
  cut_single_sample(stage);
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *unit) { FewFiltersEmitter(emitter, plan).run(unit); });
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
