// Convolution, and the gradient of one with respect to its input: for every phase of the output (geometry.h) rectangles
// of pixels are the rows of tiles, the taps and channels their reduction.
#include "codegen/contraction/convolution.h"

#include <algorithm>
#include <bit>

#include "codegen/contraction/common.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/kernel_panels.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kFilterBlockVectors = 4;  // a multiple of every panel where there are blocks of columns
constexpr int64_t kMostCopiedPixels = 16;   // of a result that a kernel is copied for

struct ConvolutionPlan {
  Convolution convolution;
  ImageSource source;
  std::vector<AxisPhase> rows, columns;
  int64_t blocks = 1;         // an image is cut into this many bands of rows
  int64_t column_blocks = 1;  // or, where the kernel is large, into so many blocks of block_vectors of filters
  int64_t block_vectors = kFilterBlockVectors;
  std::optional<KernelPanels> copied;  // the kernel is read from there, a panel for each block of filters
};

// Emits all the tiles of one phase.
class PhaseEmitter {
 public:
  PhaseEmitter(KernelEmitter &emitter, const ConvolutionPlan &plan, const AxisPhase &rows, const AxisPhase &columns)
      : emitter_(emitter),
        plan_(plan),
        convolution_(plan.convolution),
        rows_(rows),
        columns_(columns),
        element_(element_type(emitter, convolution_.dtype)),
        image_(open_image(emitter, plan.source)),
        finished_(emitter.finished()) {}

  // A band of rows, or a block of columns, of an image; null: all of it.
  void run(Value *image, Value *block, Value *column_block) {
    image_number_ = image;
    Value *start = element_at(emitter_, element_, image_.base, scaled(emitter_, image, image_.image_stride));
    image_start_ =
        element_at(emitter_, element_, start,
                   ir().getInt64(rows_.first_input * image_.row_stride + columns_.first_input * image_.pixel_stride));
    bool depthwise = convolution_.depthwise();
    int64_t channels = depthwise ? convolution_.groups : convolution_.output_channels;
    unsigned lanes = lanes_for(emitter_.target(), convolution_.dtype, channels);
    int64_t steps = rows_.taps * columns_.taps * convolution_.input_channels;
    tiling_ = choose_tiling(emitter_.target(), band(), columns_.outputs, channels, lanes, steps);
    Value *first = nullptr, *last = nullptr;
    if (column_block != nullptr) {
      tiling_.vectors = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(tiling_.vectors)));
      if (plan_.copied) tiling_ = {plan_.block_vectors, rows_.outputs, columns_.outputs};
      int64_t block = plan_.block_vectors * lanes;
      first = scaled(emitter_, column_block, block);
      last = ir().CreateAdd(first, ir().getInt64(static_cast<uint64_t>(block)));
      last = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, last, ir().getInt64(static_cast<uint64_t>(channels)));
    }
    panels_ = make_panels(channels, lanes, tiling_.vectors);
    int64_t groups = depthwise ? 1 : convolution_.groups;
    for_range(emitter_, ir().getInt64(0), ir().getInt64(groups), 1, [&](Value *group) {
      group_ = group;
      for_panels(emitter_, panels_, first, last, [&](const Panel &panel) { emit_panel(panel, block); });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  // Rows of outputs in one block.
  int64_t band() const { return (rows_.outputs + plan_.blocks - 1) / plan_.blocks; }

  void emit_panel(const Panel &panel, Value *block) {
    Value *begin = ir().getInt64(0);
    Value *end = ir().getInt64(rows_.outputs);
    if (plan_.blocks > 1) {
      begin = scaled(emitter_, block, band());
      end = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir().CreateAdd(begin, ir().getInt64(band())), end);
    }
    int64_t lines = tiling_.tile_lines;
    Value *whole_end = end;
    if (lines > 1) {
      Value *whole = ir().CreateSDiv(ir().CreateSub(end, begin), ir().getInt64(lines));
      whole_end = ir().CreateAdd(begin, scaled(emitter_, whole, lines));
    }
    for_range(emitter_, begin, whole_end, lines, [&](Value *row) { emit_lines(panel, row, lines); });
    if (lines > 1 && (band() % lines != 0 || rows_.outputs % lines != 0))
      for_range(emitter_, whole_end, end, 1, [&](Value *row) { emit_lines(panel, row, 1); });
  }

  void emit_lines(const Panel &panel, Value *row, int64_t lines) {
    for (const Pieces &pieces : balanced(columns_.outputs, tiling_.tile_length))
      for_pieces(emitter_, pieces, [&](Value *column) { emit_tile_at(panel, row, lines, column, pieces.size); });
  }

  void emit_tile_at(const Panel &panel, Value *row, int64_t lines, Value *column, int64_t length) {
    const Address &kernel = emitter_.operand(1);
    int64_t row_step = rows_.input_per_output * image_.row_stride;
    int64_t pixel_step = columns_.input_per_output * image_.pixel_stride;
    auto number = [&](int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); };

    Tile tile{element_, panels_.lanes, panel.vectors, panel.tail};
    tile.product = convolution_.depthwise() ? Product::pointwise : Product::broadcast;
    for (int64_t y = 0; y < lines; ++y)
      for (int64_t x = 0; x < length; ++x) tile.rows.push_back(number(y * row_step + x * pixel_step));
    int64_t step = plan_.copied ? plan_.copied->panels.width() : kernel.strides[2];
    int64_t tap = plan_.copied ? convolution_.input_channels * step : kernel.strides[1];
    int64_t line = plan_.copied ? convolution_.x.kernel * tap : kernel.strides[0];
    tile.reductions = {
        {number(rows_.taps), number(rows_.input_per_tap * image_.row_stride), number(rows_.tap_step * line)},
        {number(columns_.taps), number(columns_.input_per_tap * image_.pixel_stride), number(columns_.tap_step * tap)},
        {number(convolution_.input_channels), number(1), number(step)}};

    if (plan_.column_blocks > 1) tile.prefetch_b = number(kPrefetchedSteps * step);
    if (plan_.copied) tile.tail = 0;
    Value *first_column = panel.first;  // of the result
    Value *a = element_at(emitter_, element_, image_start_, scaled(emitter_, row, row_step));
    a = element_at(emitter_, element_, a, scaled(emitter_, column, pixel_step));
    if (tile.product == Product::pointwise) {
      a = element_at(emitter_, element_, a, panel.first);
    } else {
      a = element_at(emitter_, element_, a, scaled(emitter_, group_, convolution_.input_channels));
      first_column = ir().CreateAdd(first_column, scaled(emitter_, group_, convolution_.output_channels));
    }
    // The row of inputs that the tiles below read first, and what the epilogue of this tile reads and writes.
    tile.ahead.push_back(
        {element_at(emitter_, element_, a,
                    number(lines * row_step + (rows_.taps - 1) * rows_.input_per_tap * image_.row_stride)),
         true});
    for (const Address &image : finished_) {
      if (rows_.output_step != 1 || columns_.output_step != 1 || image.dtype != convolution_.dtype) continue;
      Value *start = element_at(emitter_, element_, image.base, scaled(emitter_, image_number_, image.strides[0]));
      start = element_at(emitter_, element_, start, scaled(emitter_, row, image.strides[1]));
      start = element_at(emitter_, element_, start, scaled(emitter_, column, image.strides[2]));
      tile.ahead.push_back({element_at(emitter_, element_, start, first_column), true});
    }
    Value *b = plan_.copied ? copied_panel(emitter_, *plan_.copied, first_column)
                            : element_at(emitter_, element_, kernel.base, first_column);
    b = element_at(emitter_, element_, b, number(rows_.first_tap * line + columns_.first_tap * tap));

    Accumulators sums;
    if (rows_.taps == 0 || columns_.taps == 0)
      sums.assign(tile.rows.size(),
                  std::vector<Value *>(tile.vectors, llvm::Constant::getNullValue(accumulator_type(tile))));
    else
      sums = emit_tile(ir(), emitter_.target(), tile, a, b);

    tile.tail = panel.tail;
    IndexValue image = index_of(emitter_, image_number_);
    IndexValue y = index_of(emitter_, row, rows_.output_step, rows_.first_output);
    IndexValue x = index_of(emitter_, column, columns_.output_step, columns_.first_output);
    finish_tile(emitter_, tile, sums, first_column, [&](size_t i) {
      int64_t line = static_cast<int64_t>(i) / length, pixel = static_cast<int64_t>(i) % length;
      return std::vector<IndexValue>{image,
                                     {y.variable, y.constant + line * rows_.output_step},
                                     {x.variable, x.constant + pixel * columns_.output_step}};
    });
  }

  KernelEmitter &emitter_;
  const ConvolutionPlan &plan_;
  const Convolution &convolution_;
  const AxisPhase &rows_;
  const AxisPhase &columns_;
  llvm::Type *element_;
  Image image_;
  const std::vector<Address> finished_;
  Value *image_number_ = nullptr;
  Value *image_start_ = nullptr;
  Value *group_ = nullptr;
  Tiling tiling_;
  Panels panels_;
};

// Of an image whose convolution takes so long: as many as are worth a chunk; two at least, where there is work for
// them, so that threads can share a single image.
int64_t bands_of_image(double nanoseconds, int64_t rows_of_phase) {
  constexpr double kWorthTwo = 3000;
  constexpr int64_t kLeastRows = 8;
  int64_t least = nanoseconds >= kWorthTwo && rows_of_phase >= kLeastRows ? 2 : 1;
  return std::clamp(static_cast<int64_t>(nanoseconds / kChunkNanoseconds), least, std::min<int64_t>(8, rows_of_phase));
}

// Few pixels read a large kernel once: a tile takes all of them, so that no part of the kernel is read again, and the
// kernel lies in the order it is read in.
std::optional<KernelPanels> plan_copy(const ConvolutionPlan &plan, const Target &target) {
  const Convolution &convolution = plan.convolution;
  int64_t pixels = plan.rows.front().outputs * plan.columns.front().outputs;
  if (plan.rows.size() > 1 || plan.columns.size() > 1 || convolution.dtype != DType::f32 || pixels > kMostCopiedPixels)
    return std::nullopt;
  int64_t vectors = kFilterBlockVectors;
  while (vectors > 1 && most_rows(target, vectors) < pixels) vectors /= 2;
  if (most_rows(target, vectors) < pixels) return std::nullopt;
  unsigned lanes = lanes_for(target, convolution.dtype, convolution.output_channels);
  int64_t steps = convolution.y.kernel * convolution.x.kernel * convolution.input_channels;
  return KernelPanels{make_panels(convolution.output_channels, lanes, vectors), steps};
}

}  // namespace

ContractionLowering plan_convolution(const Convolution &convolution, const ValueLayout &input, const Target &target,
                                     bool constant_kernel) {
  ContractionLowering lowering;
  ConvolutionPlan plan{convolution};
  plan.rows = axis_phases(convolution.y);
  plan.columns = axis_phases(convolution.x);
  plan.source = plan_image(input, read_range(plan.rows), read_range(plan.columns));
  add_padding_stage(lowering, plan.source);

  double channels = static_cast<double>(convolution.groups * convolution.output_channels * convolution.input_channels);
  double taps = 0;
  for (const AxisPhase &row : plan.rows)
    for (const AxisPhase &column : plan.columns)
      taps += static_cast<double>(row.outputs * row.taps * column.outputs * column.taps);
  double work = channels * taps;  // multiply-adds of one image
  int64_t kernel_elements =
      convolution.y.kernel * convolution.x.kernel * convolution.input_channels * convolution.output_channels;
  bool large = convolution.groups == 1 && kernel_elements >= kLargeElements;
  if (large && constant_kernel) plan.copied = plan_copy(plan, target);
  if (plan.copied) {
    plan.block_vectors = plan.copied->panels.vectors;
    lowering.scratch_apart = plan.copied->bytes();
    lowering.prepared_as = plan.copied->prepared_as();
    lowering.stages.push_back(copy_kernel_stage(*plan.copied));
  }
  int64_t block_columns = plan.block_vectors * lanes_for(target, convolution.dtype, convolution.output_channels);
  if (large && convolution.output_channels > block_columns)
    plan.column_blocks = (convolution.output_channels + block_columns - 1) / block_columns;
  else
    plan.blocks = bands_of_image(nanoseconds(work), plan.rows.front().outputs);
  int64_t parts = plan.blocks * plan.column_blocks;

  KernelStage stage;
  stage.suffix = plan.source.padded ? "tile" : "";
  stage.units = {convolution.images.size * parts, convolution.images.batch};
  stage.units_per_chunk = units_per_chunk(work / static_cast<double>(parts));
  set_cost(stage, nanoseconds(work) / static_cast<double>(parts));
  cut_single_sample(stage);
  stage.emit = [plan, parts, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    auto convolve = [&](Value *unit) {
      llvm::IRBuilder<> &ir = emitter.ir();
      Value *image = unit, *part = nullptr;
      if (parts > 1) {
        image = ir.CreateSDiv(unit, ir.getInt64(static_cast<uint64_t>(parts)));
        part = ir.CreateSRem(unit, ir.getInt64(static_cast<uint64_t>(parts)));
      }
      Value *block = plan.blocks > 1 ? part : nullptr, *column_block = plan.column_blocks > 1 ? part : nullptr;
      for (const AxisPhase &rows : plan.rows)
        for (const AxisPhase &columns : plan.columns)
          PhaseEmitter(emitter, plan, rows, columns).run(image, block, column_block);
    };
    for_units(emitter, units, group, convolve);
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
