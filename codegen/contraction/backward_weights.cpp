// The gradient of a convolution with respect to its kernel: rows are (tap, channel), the reduction runs over pixels and
// images.
//
// Small kernels: a chunk of images adds up its own partial result in scratch, one image after the other while it is in
// the cache, a large one band by band; a second stage adds the partial results in their order. Large kernels
// (backward_weights_blocks.cpp): partial results would cost more than they save, so the chunks are parts of the result
// and each runs over all images. Which of the two is decided by the shapes, so the order of every sum is too.
#include "codegen/contraction/backward_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// Writing and reading a partial result is to be small beside computing it: at least so many pixels for each.
constexpr int64_t kPixelsPerPartial = 1600;
constexpr int64_t kMostImagesPerPartial = 16;
// Images and gradients of more bytes than half a level-2 cache are gone over in bands of about so many pixels.
constexpr int64_t kMostImageBytes = 1024 * 1024;
constexpr int64_t kBandPixels = 256;

// A divisor of the height where there is one that is not much more.
int64_t rows_of_band(const BackwardWeightsPlan &plan) {
  const Convolution &convolution = plan.convolution;
  int64_t height = convolution.y.output, width = convolution.x.output;
  int64_t image = convolution.y.input * convolution.x.input * convolution.groups * convolution.input_channels;
  if ((image + plan.pixels() * plan.columns) * plan.element_bytes <= kMostImageBytes || plan.walk) return height;
  int64_t rows = std::clamp<int64_t>((kBandPixels + width - 1) / width, 1, height);
  for (int64_t more = rows; more < std::min(2 * rows, height); ++more)
    if (height % more == 0) return more;
  return rows;
}

BackwardWeightsPlan make_plan(const Convolution &convolution, const ValueLayout &input, const Target &target) {
  BackwardWeightsPlan plan{convolution};
  plan.source = plan_image(input, read_range(axis_phases(convolution.y)), read_range(axis_phases(convolution.x)));
  plan.element_bytes = convolution.dtype == DType::f64 ? 8 : 4;
  bool depthwise = convolution.depthwise();
  plan.group_count = depthwise ? 1 : convolution.groups;
  plan.group_columns = depthwise ? convolution.groups : convolution.output_channels;
  plan.columns = convolution.groups * convolution.output_channels;
  int64_t channels = convolution.input_channels;
  plan.rows = convolution.y.kernel * convolution.x.kernel * channels;
  int64_t row_of_taps = convolution.x.kernel * channels;
  if (convolution.groups == 1 && convolution.x.dilation == 1)
    plan.grid = {1, convolution.y.kernel, row_of_taps, 0, row_of_taps, true};
  else
    plan.grid = {convolution.y.kernel, convolution.x.kernel, channels, row_of_taps, channels, false};
  unsigned lanes = lanes_for(target, convolution.dtype, plan.group_columns);
  plan.tiling = choose_tiling(target, plan.grid.lines, plan.grid.run, plan.group_columns, lanes, plan.pixels());
  plan.panels = make_panels(plan.group_columns, lanes, plan.tiling.vectors);
  if (has_walk(convolution, target)) plan.walk = choose_walk(convolution, target);
  plan.band = rows_of_band(plan);
  return plan;
}

class BackwardWeightsEmitter {
 public:
  BackwardWeightsEmitter(KernelEmitter &emitter, const BackwardWeightsPlan &plan)
      : emitter_(emitter),
        plan_(plan),
        convolution_(plan.convolution),
        element_(element_type(emitter, convolution_.dtype)),
        image_(open_image(emitter, plan.source)) {}

  // Where the partial result with this number is.
  Value *partial(Value *number) {
    Value *padded = element_at(emitter_, element_, emitter_.scratch(), padded_elements());
    return element_at(emitter_, element_, padded,
                      scaled(emitter_, number, plan_.partial_bytes() / plan_.element_bytes));
  }

  // This chunk's images into its own partial result.
  void run_images(int64_t images_per_chunk) {
    Value *sums = partial(emitter_.chunk());
    ir().CreateMemSet(sums, ir().getInt8(0), static_cast<uint64_t>(plan_.partial_bytes()), llvm::MaybeAlign(64));
    Value *begin = scaled(emitter_, emitter_.chunk(), images_per_chunk);
    Value *end = ir().CreateAdd(begin, number(images_per_chunk));
    end = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, dim_value(emitter_, convolution_.images));
    for_range(emitter_, begin, end, 1, [&](Value *image) {
      if (plan_.walk) return accumulate_grouped(emitter_, convolution_, *plan_.walk, image_, image, sums);
      image_number_ = image;
      partial_ = sums;
      int64_t height = convolution_.y.output;
      for_range(emitter_, number(0), number(height), plan_.band, [&](Value *y) {
        band_ = y;
        band_rows_ = height % plan_.band == 0
                         ? number(plan_.band)
                         : ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir().CreateSub(number(height), y),
                                                      number(plan_.band));
        for_range(emitter_, number(0), number(plan_.group_count), 1, [&](Value *group) {
          for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) {
            for_range(emitter_, number(0), number(plan_.grid.outer), 1,
                      [&](Value *outer) { emit_lines(panel, group, outer); });
          });
        });
      });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  // The padded copies come first in scratch.
  Value *padded_elements() {
    if (!plan_.source.padded) return number(0);
    return scaled(emitter_, dim_value(emitter_, convolution_.images), image_.image_stride);
  }

  void emit_lines(const Panel &panel, Value *group, Value *outer) {
    int64_t lines = plan_.tiling.tile_lines, whole_end = plan_.grid.lines / lines * lines;
    auto some = [&](int64_t first, int64_t last, int64_t count) {
      for_range(emitter_, number(first), number(last), count, [&](Value *line) {
        for (const Pieces &pieces : balanced(plan_.grid.run, plan_.tiling.tile_length))
          for_pieces(emitter_, pieces,
                     [&](Value *row) { emit_tile_at(panel, group, outer, line, count, row, pieces.size); });
      });
    };
    some(0, whole_end, lines);
    some(whole_end, plan_.grid.lines, 1);
  }

  void emit_tile_at(const Panel &panel, Value *group, Value *outer, Value *line, int64_t lines, Value *row,
                    int64_t length) {
    const Address &dy = emitter_.operand(1);
    Tile tile{element_, plan_.panels.lanes, panel.vectors, panel.tail};
    tile.product = convolution_.depthwise() ? Product::pointwise : Product::broadcast;
    for (int64_t l = 0; l < lines; ++l)
      for (int64_t i = 0; i < length; ++i) tile.rows.push_back(number(l * line_step(plan_, image_) + i));
    int64_t row_step = convolution_.y.stride * image_.row_stride;
    tile.reductions.push_back({band_rows_, number(row_step), number(dy.strides[1])});
    tile.reductions.push_back(
        {number(convolution_.x.output), number(convolution_.x.stride * image_.pixel_stride), number(dy.strides[2])});

    Value *column = panel.first;  // of the result
    Value *a = element_at(
        emitter_, element_, image_.base,
        number(-convolution_.y.padding_low * image_.row_stride - convolution_.x.padding_low * image_.pixel_stride));
    a = element_at(emitter_, element_, a, scaled(emitter_, image_number_, image_.image_stride));
    a = element_at(emitter_, element_, a, scaled(emitter_, band_, row_step));
    a = element_at(emitter_, element_, a, scaled(emitter_, outer, outer_step(plan_, image_)));
    a = element_at(emitter_, element_, a, scaled(emitter_, line, line_step(plan_, image_)));
    a = element_at(emitter_, element_, a, row);
    if (tile.product == Product::pointwise) {
      a = element_at(emitter_, element_, a, panel.first);
    } else {
      a = element_at(emitter_, element_, a, scaled(emitter_, group, convolution_.input_channels));
      column = ir().CreateAdd(column, scaled(emitter_, group, plan_.group_columns));
    }
    Value *b = element_at(emitter_, element_, dy.base, scaled(emitter_, image_number_, dy.strides[0]));
    b = element_at(emitter_, element_, b, scaled(emitter_, band_, dy.strides[1]));
    b = element_at(emitter_, element_, b, column);

    Value *first_row =
        ir().CreateAdd(scaled(emitter_, outer, plan_.grid.outer_rows), scaled(emitter_, line, plan_.grid.line_rows));
    first_row = ir().CreateAdd(first_row, row);
    prefetch_next(tile, image_.base, image_.image_stride, row_step, first_row);
    prefetch_next(tile, dy.base, dy.strides[0], dy.strides[1], first_row);
    auto row_of = [&](size_t i) {
      return static_cast<int64_t>(i) / length * plan_.grid.line_rows + static_cast<int64_t>(i) % length;
    };
    accumulate(
        tile, a, b,
        element_at(emitter_, element_, partial_, ir().CreateAdd(scaled(emitter_, first_row, plan_.columns), column)),
        row_of);
  }

  // Every tile prefetches its part of an operand of the next band or image.
  void prefetch_next(Tile &tile, Value *base, int64_t image_stride, int64_t row_step, Value *first_row) {
    bool bands = plan_.band < convolution_.y.output;
    int64_t size = bands ? plan_.band * row_step : image_stride;
    Value *part = scaled(emitter_, first_row, (size + plan_.rows - 1) / plan_.rows);
    Value *next = scaled(emitter_, image_number_, image_stride);
    if (bands) next = ir().CreateAdd(next, scaled(emitter_, band_, row_step));
    next = ir().CreateAdd(ir().CreateAdd(next, number(size)), part);
    tile.ahead.push_back({element_at(emitter_, element_, base, next), false});
  }

  template <typename RowOf>
  void accumulate(const Tile &tile, Value *a, Value *b, Value *place, const RowOf &row_of) {
    llvm::Type *type = accumulator_type(tile);
    Value *mask = lane_mask(ir(), tile.lanes, tile.tail);
    auto pointer = [&](size_t r, unsigned v) {
      return element_at(emitter_, element_, place,
                        number(row_of(r) * plan_.columns + static_cast<int64_t>(v) * tile.lanes));
    };
    auto mask_of = [&](unsigned v) { return v + 1 == tile.vectors ? mask : nullptr; };
    Accumulators sums(tile.rows.size());
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < tile.vectors; ++v) sums[r].push_back(load_lanes(ir(), type, pointer(r, v), mask_of(v)));
    sums = emit_tile(ir(), emitter_.target(), tile, a, b, std::move(sums));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < tile.vectors; ++v) store_lanes(ir(), sums[r][v], pointer(r, v), mask_of(v));
  }

  KernelEmitter &emitter_;
  const BackwardWeightsPlan &plan_;
  const Convolution &convolution_;
  llvm::Type *element_;
  Image image_;
  Value *image_number_ = nullptr;
  Value *band_ = nullptr, *band_rows_ = nullptr;  // first row, rows
  Value *partial_ = nullptr;
};

// Adds up the partial results of one row of the kernel, first to last, and hands it to the epilogue.
void emit_combination(KernelEmitter &emitter, const BackwardWeightsPlan &plan, Value *row, int64_t images_per_chunk) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = element_type(emitter, plan.convolution.dtype);
  auto number = [&](int64_t i) { return ir.getInt64(static_cast<uint64_t>(i)); };
  Value *images = dim_value(emitter, plan.convolution.images);
  Value *partials = ir.CreateUDiv(ir.CreateAdd(images, number(images_per_chunk - 1)), number(images_per_chunk));
  Value *start = BackwardWeightsEmitter(emitter, plan).partial(number(0));
  start = element_at(emitter, element, start, scaled(emitter, row, plan.columns));
  int64_t step = plan.partial_bytes() / plan.element_bytes;
  unsigned lanes = lanes_for(emitter.target(), plan.convolution.dtype, plan.columns);
  int64_t vectors = std::min<int64_t>(4, (plan.columns + lanes - 1) / lanes);

  std::vector<IndexValue> index = kernel_index(emitter, plan.convolution, row);
  for_panels(emitter, make_panels(plan.columns, lanes, vectors), nullptr, nullptr, [&](const Panel &panel) {
    Tile tile{element, lanes, panel.vectors, panel.tail};
    tile.rows = {number(0)};
    Value *b = element_at(emitter, element, start, panel.first);
    tile.product = Product::none;
    tile.reductions = {{partials, number(0), number(step)}};
    Accumulators sums = emit_tile(ir, emitter.target(), tile, b, b);
    finish_tile(emitter, tile, sums, panel.first, [&](size_t) { return index; });
  });
}

void plan_small(ContractionLowering &lowering, const BackwardWeightsPlan &plan, double work_of_image) {
  int64_t for_pixels = (kPixelsPerPartial + plan.pixels() - 1) / plan.pixels();
  int64_t for_time = static_cast<int64_t>(3 * kChunkNanoseconds / nanoseconds(work_of_image));
  int64_t group = std::clamp<int64_t>(std::max(for_pixels, for_time), 1, kMostImagesPerPartial);
  group = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(group)));  // as many for each thread, mostly
  const Dim images = plan.convolution.images;

  KernelStage tiles;
  tiles.suffix = "tile";
  tiles.units = images;
  tiles.units_per_chunk = group;
  set_cost(tiles, nanoseconds(work_of_image));
  tiles.emit = [plan, group](KernelEmitter &emitter) { BackwardWeightsEmitter(emitter, plan).run_images(group); };

  KernelStage combination;
  combination.suffix = "combine";
  combination.units = {plan.rows, false};
  double elements = static_cast<double>(plan.rows * plan.columns);
  double read = elements * static_cast<double>(plan.element_bytes * images.size) / static_cast<double>(group);
  (images.batch ? combination.batch_nanoseconds : combination.fixed_nanoseconds) = read / 20;
  combination.fixed_nanoseconds += elements / 4;
  combination.units_per_chunk = std::max<int64_t>(1, 8192 / plan.columns);
  combination.emit = [plan, group, units = combination.units,
                      rows = combination.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, rows, [&](Value *row) { emit_combination(emitter, plan, row, group); });
  };

  lowering.scratch_fixed += 2 * plan.partial_bytes();
  int64_t of_images = ((images.size * plan.partial_bytes() + group - 1) / group + 63) / 64 * 64;
  (images.batch ? lowering.scratch_batch : lowering.scratch_fixed) += of_images;
  lowering.stages.push_back(std::move(tiles));
  lowering.stages.push_back(std::move(combination));
}

}  // namespace

int64_t outer_step(const BackwardWeightsPlan &plan, const Image &image) {
  return plan.grid.taps_in_run ? 0 : plan.convolution.y.dilation * image.row_stride;
}
int64_t line_step(const BackwardWeightsPlan &plan, const Image &image) {
  return plan.grid.taps_in_run ? plan.convolution.y.dilation * image.row_stride
                               : plan.convolution.x.dilation * image.pixel_stride;
}

std::vector<IndexValue> kernel_index(KernelEmitter &emitter, const Convolution &convolution, Value *row) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *channels = ir.getInt64(static_cast<uint64_t>(convolution.input_channels));
  Value *width = ir.getInt64(static_cast<uint64_t>(convolution.x.kernel)), *tap = ir.CreateUDiv(row, channels);
  return {index_of(emitter, ir.CreateUDiv(tap, width)), index_of(emitter, ir.CreateURem(tap, width)),
          index_of(emitter, ir.CreateURem(row, channels))};
}

ContractionLowering plan_backward_weights(const Convolution &convolution, const ValueLayout &input,
                                          const Target &target) {
  ContractionLowering lowering;
  BackwardWeightsPlan plan = make_plan(convolution, input, target);
  add_padding_stage(lowering, plan.source);
  double work = static_cast<double>(plan.rows * plan.columns) * static_cast<double>(plan.pixels());
  if (plan.is_large())
    add_backward_weights_blocks(lowering, plan, target, work);
  else
    plan_small(lowering, plan, work);
  return lowering;
}

}  // namespace netc::contraction
