// The gradient of a convolution with respect to its kernel: rows are (tap, channel), the reduction runs over pixels and
// images.
//
// Small kernels: a chunk of images adds up its own partial result in scratch, one image after the other while it is in
// the cache; a second stage adds the partial results in their order. Large kernels: partial results would cost more
// than they save, so the chunks are tiles of the result and each runs over all images. Which of the two is decided by
// the shapes, so the order of every sum is too.
#include <algorithm>
#include <bit>
#include <cmath>

#include "codegen/contraction/common.h"
#include "codegen/contraction/convolution.h"
#include "codegen/contraction/grouped.h"
#include "codegen/contraction/image.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kMostPartialBytes = 768 * 1024;
// Writing and reading a partial result is to be small beside computing it: at least so many pixels for each.
constexpr int64_t kPixelsPerPartial = 1600;
constexpr int64_t kMostImagesPerPartial = 16;

// The rows of the result in the order of memory: `outer` x `lines` x `run`, where the rows of a run read neighbouring
// elements of the input.
struct RowGrid {
  int64_t outer = 1, lines = 1, run = 1;
  int64_t outer_rows = 0, line_rows = 0;  // rows of the result from one to the next
  bool taps_in_run = false;  // the lines are kernel rows; otherwise kernel columns, the outer ones kernel rows
};

struct BackwardWeightsPlan {
  Convolution convolution;
  ImageSource source;
  RowGrid grid;
  Tiling tiling;
  Panels panels;
  std::optional<WalkPieces> walk;  // instead of these tiles
  int64_t group_count = 1;         // loops over groups: depthwise has none
  int64_t group_columns = 1;       // of the result, for one group
  int64_t rows = 1, columns = 1;   // of the whole result
  int64_t element_bytes = 4;

  int64_t pixels() const { return convolution.y.output * convolution.x.output; }
  int64_t partial_bytes() const { return (rows * columns * element_bytes + 63) / 64 * 64; }
};

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
  return plan;
}

class BackwardWeightsEmitter {
 public:
  BackwardWeightsEmitter(KernelEmitter &emitter, const BackwardWeightsPlan &plan)
      : emitter_(emitter),
        plan_(plan),
        convolution_(plan.convolution),
        element_(element_type(emitter, convolution_.dtype)),
        image_(open_image(emitter, plan.source)) {
    outer_step_ = plan.grid.taps_in_run ? 0 : convolution_.y.dilation * image_.row_stride;
    line_step_ = plan.grid.taps_in_run ? convolution_.y.dilation * image_.row_stride
                                       : convolution_.x.dilation * image_.pixel_stride;
  }

  // Where the partial result with this number is.
  Value *partial(Value *number) {
    Value *padded = element_at(emitter_, element_, emitter_.scratch(), padded_elements());
    return element_at(emitter_, element_, padded,
                      scaled(emitter_, number, plan_.partial_bytes() / plan_.element_bytes));
  }

  // Small kernels: this chunk's images into its own partial result.
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
      for_range(emitter_, number(0), number(plan_.group_count), 1, [&](Value *group) {
        for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) {
          for_range(emitter_, number(0), number(plan_.grid.outer), 1,
                    [&](Value *outer) { emit_lines(panel, group, outer, number(0), number(plan_.grid.lines)); });
        });
      });
    });
  }

  // Large kernels: a panel of columns and a stretch of lines, over all images.
  static int64_t result_units(const BackwardWeightsPlan &plan) {
    return plan.group_count * panel_count(plan) * plan.grid.outer * line_units(plan);
  }
  void run_result(Value *unit) {
    image_number_ = number(0);
    partial_ = nullptr;
    auto split = [&](int64_t size) {
      Value *digit = size == 1 ? number(0) : ir().CreateSRem(unit, number(size));
      if (size != 1) unit = ir().CreateSDiv(unit, number(size));
      return digit;
    };
    Value *line = scaled(emitter_, split(line_units(plan_)), plan_.tiling.tile_lines);
    Value *outer = split(plan_.grid.outer);
    Value *column = scaled(emitter_, split(panel_count(plan_)), plan_.panels.width());
    Value *line_end = smin(ir().CreateAdd(line, number(plan_.tiling.tile_lines)), plan_.grid.lines);
    Value *column_end = smin(ir().CreateAdd(column, number(plan_.panels.width())), plan_.group_columns);
    for_panels(emitter_, plan_.panels, column, column_end,
               [&](const Panel &panel) { emit_lines(panel, unit, outer, line, line_end); });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *smin(Value *a, int64_t b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, number(b)); }
  static int64_t panel_count(const BackwardWeightsPlan &plan) {
    return plan.panels.whole + (plan.panels.rest_vectors > 0 ? 1 : 0);
  }
  static int64_t line_units(const BackwardWeightsPlan &plan) {
    return (plan.grid.lines + plan.tiling.tile_lines - 1) / plan.tiling.tile_lines;
  }

  // The padded copies come first in scratch.
  Value *padded_elements() {
    if (!plan_.source.padded) return number(0);
    return scaled(emitter_, dim_value(emitter_, convolution_.images), image_.image_stride);
  }

  void emit_lines(const Panel &panel, Value *group, Value *outer, Value *begin, Value *end) {
    int64_t lines = plan_.tiling.tile_lines;
    Value *whole_end = end;
    if (lines > 1) {
      Value *whole = ir().CreateSDiv(ir().CreateSub(end, begin), number(lines));
      whole_end = ir().CreateAdd(begin, scaled(emitter_, whole, lines));
    }
    auto some = [&](Value *first, Value *last, int64_t count) {
      for_range(emitter_, first, last, count, [&](Value *line) {
        for (const Pieces &pieces : balanced(plan_.grid.run, plan_.tiling.tile_length))
          for_pieces(emitter_, pieces,
                     [&](Value *row) { emit_tile_at(panel, group, outer, line, count, row, pieces.size); });
      });
    };
    some(begin, whole_end, lines);
    if (lines > 1 && plan_.grid.lines % lines != 0) some(whole_end, end, 1);
  }

  void emit_tile_at(const Panel &panel, Value *group, Value *outer, Value *line, int64_t lines, Value *row,
                    int64_t length) {
    const Address &dy = emitter_.operand(1);
    Tile tile{element_, plan_.panels.lanes, panel.vectors, panel.tail};
    tile.product = convolution_.depthwise() ? Product::pointwise : Product::broadcast;
    for (int64_t l = 0; l < lines; ++l)
      for (int64_t i = 0; i < length; ++i) tile.rows.push_back(number(l * line_step_ + i));
    if (partial_ == nullptr)
      tile.reductions.push_back(
          {dim_value(emitter_, convolution_.images), number(image_.image_stride), number(dy.strides[0])});
    tile.reductions.push_back(
        {number(convolution_.y.output), number(convolution_.y.stride * image_.row_stride), number(dy.strides[1])});
    tile.reductions.push_back(
        {number(convolution_.x.output), number(convolution_.x.stride * image_.pixel_stride), number(dy.strides[2])});

    Value *column = panel.first;  // of the result
    Value *a = element_at(
        emitter_, element_, image_.base,
        number(-convolution_.y.padding_low * image_.row_stride - convolution_.x.padding_low * image_.pixel_stride));
    a = element_at(emitter_, element_, a, scaled(emitter_, image_number_, image_.image_stride));
    a = element_at(emitter_, element_, a, scaled(emitter_, outer, outer_step_));
    a = element_at(emitter_, element_, a, scaled(emitter_, line, line_step_));
    a = element_at(emitter_, element_, a, row);
    if (tile.product == Product::pointwise) {
      a = element_at(emitter_, element_, a, panel.first);
    } else {
      a = element_at(emitter_, element_, a, scaled(emitter_, group, convolution_.input_channels));
      column = ir().CreateAdd(column, scaled(emitter_, group, plan_.group_columns));
    }
    Value *b = element_at(emitter_, element_, dy.base, scaled(emitter_, image_number_, dy.strides[0]));
    b = element_at(emitter_, element_, b, column);

    Value *first_row =
        ir().CreateAdd(scaled(emitter_, outer, plan_.grid.outer_rows), scaled(emitter_, line, plan_.grid.line_rows));
    first_row = ir().CreateAdd(first_row, row);
    if (partial_ != nullptr) {
      prefetch_next_image(tile, image_.base, image_.image_stride, first_row);
      prefetch_next_image(tile, dy.base, dy.strides[0], first_row);
    }
    auto row_of = [&](size_t i) {
      return static_cast<int64_t>(i) / length * plan_.grid.line_rows + static_cast<int64_t>(i) % length;
    };
    if (partial_ == nullptr)
      return finish_rows(tile, emit_tile(ir(), emitter_.target(), tile, a, b), column, first_row, row_of);
    accumulate(
        tile, a, b,
        element_at(emitter_, element_, partial_, ir().CreateAdd(scaled(emitter_, first_row, plan_.columns), column)),
        row_of);
  }

  // Every tile prefetches its part of an operand of the next image.
  void prefetch_next_image(Tile &tile, Value *base, int64_t image_stride, Value *first_row) {
    Value *part = scaled(emitter_, first_row, (image_stride + plan_.rows - 1) / plan_.rows);
    Value *next = scaled(emitter_, ir().CreateAdd(image_number_, number(1)), image_stride);
    tile.ahead.push_back({element_at(emitter_, element_, base, ir().CreateAdd(next, part)), false});
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

  template <typename RowOf>
  void finish_rows(const Tile &tile, const Accumulators &sums, Value *column, Value *first_row, const RowOf &row_of) {
    finish_tile(emitter_, tile, sums, column, [&](size_t i) {
      Value *row = ir().CreateAdd(first_row, number(row_of(i)));
      Value *channels = number(convolution_.input_channels), *width = number(convolution_.x.kernel);
      Value *tap = ir().CreateUDiv(row, channels);
      return std::vector<IndexValue>{index_of(emitter_, ir().CreateUDiv(tap, width)),
                                     index_of(emitter_, ir().CreateURem(tap, width)),
                                     index_of(emitter_, ir().CreateURem(row, channels))};
    });
  }

  KernelEmitter &emitter_;
  const BackwardWeightsPlan &plan_;
  const Convolution &convolution_;
  llvm::Type *element_;
  Image image_;
  int64_t outer_step_ = 0, line_step_ = 0;
  Value *image_number_ = nullptr;
  Value *partial_ = nullptr;  // null: results leave through the epilogue
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

  Value *channels = number(plan.convolution.input_channels), *width = number(plan.convolution.x.kernel);
  Value *tap = ir.CreateUDiv(row, channels);
  std::vector<IndexValue> index{index_of(emitter, ir.CreateUDiv(tap, width)),
                                index_of(emitter, ir.CreateURem(tap, width)),
                                index_of(emitter, ir.CreateURem(row, channels))};
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

void plan_large(ContractionLowering &lowering, const BackwardWeightsPlan &plan, double work_of_image) {
  KernelStage stage;
  stage.suffix = plan.source.padded ? "tile" : "";
  stage.units = {BackwardWeightsEmitter::result_units(plan), false};
  const Dim images = plan.convolution.images;
  (images.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) =
      nanoseconds(work_of_image) * static_cast<double>(images.size);
  stage.emit = [plan](KernelEmitter &emitter) { BackwardWeightsEmitter(emitter, plan).run_result(emitter.chunk()); };
  lowering.stages.push_back(std::move(stage));
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

ContractionLowering plan_backward_weights(const Convolution &convolution, const ValueLayout &input,
                                          const Target &target) {
  ContractionLowering lowering;
  BackwardWeightsPlan plan = make_plan(convolution, input, target);
  add_padding_stage(lowering, plan.source);
  double work = static_cast<double>(plan.rows * plan.columns) * static_cast<double>(plan.pixels());
  if (plan.partial_bytes() > kMostPartialBytes && !plan.walk)
    plan_large(lowering, plan, work);
  else
    plan_small(lowering, plan, work);
  return lowering;
}

}  // namespace netc::contraction
