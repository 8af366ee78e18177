// Convolution, and the gradient of one with respect to its input: for every phase of the output (geometry.h) rectangles
// of pixels are the rows of tiles, the taps and channels their reduction.
//
// Small kernels: a chunk takes all filters to some images or to a band of one. Large ones: a chunk takes a block of
// filters to some images, and copies it first, so that it lies in one piece in the level-2 cache: read where it lies,
// in short pieces a multiple of some KiB apart, it would compete with itself for few places of the cache.
#include "codegen/contraction/convolution.h"

#include <algorithm>
#include <bit>

#include "codegen/contraction/common.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/kernel_panels.h"
#include "codegen/contraction/winograd_tiles.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kFilterBlockVectors = 4;  // a multiple of every panel where there are blocks of columns
constexpr int64_t kMostCopiedPixels = 16;   // of a result that a kernel is copied for
constexpr int64_t kMostStackBytes = 768 * 1024;
constexpr int64_t kPixelsOfCopy = 384;  // of the result, at least so many for each copy of a block of filters

struct ConvolutionPlan {
  Convolution convolution;
  ImageSource source;
  std::vector<AxisPhase> rows, columns;
  int64_t blocks = 1;         // an image is cut into this many bands of rows
  int64_t column_blocks = 1;  // or, where the kernel is large, into so many blocks of block_vectors of filters
  int64_t block_vectors = kFilterBlockVectors;
  bool on_stack = false;               // a block of filters is copied there first
  std::optional<KernelPanels> copied;  // the kernel is read from there, a panel for each block of filters
};

// Where a panel of filters is read: the first tap of a phase, elements from one channel to the next, from tap to tap
// and from one row of taps to the next.
struct Filters {
  Value *start = nullptr;
  int64_t step = 0, tap = 0, line = 0;
};

// Emits all the tiles of one phase.
class PhaseEmitter {
 public:
  // `stack`: memory for a block of filters of any phase, or null.
  PhaseEmitter(KernelEmitter &emitter, const ConvolutionPlan &plan, const AxisPhase &rows, const AxisPhase &columns,
               Value *stack)
      : emitter_(emitter),
        plan_(plan),
        convolution_(plan.convolution),
        rows_(rows),
        columns_(columns),
        element_(element_type(emitter, convolution_.dtype)),
        image_(open_image(emitter, plan.source)),
        finished_(emitter.finished()),
        stack_(stack) {
    channels_ = convolution_.depthwise() ? convolution_.groups : convolution_.output_channels;
    lanes_ = lanes_for(emitter.target(), convolution_.dtype, channels_);
    int64_t steps = rows_.taps * columns_.taps * convolution_.input_channels;
    tiling_ = choose_tiling(emitter.target(), band(), columns_.outputs, channels_, lanes_, steps);
  }

  // All filters; a band of rows of an image, null: all of it.
  void run(Value *image, Value *block) {
    open(image);
    panels_ = make_panels(channels_, lanes_, tiling_.vectors);
    int64_t groups = convolution_.depthwise() ? 1 : convolution_.groups;
    for_range(emitter_, number(0), number(groups), 1, [&](Value *group) {
      group_ = group;
      for_panels(emitter_, panels_, nullptr, nullptr, [&](const Panel &panel) {
        filters_ = filters_in_place(panel);
        emit_panel(panel, block);
      });
    });
  }

  // A block of filters; images from `first` to behind `last`.
  void run_filters(Value *column_block, Value *first, Value *last) {
    group_ = number(0);
    if (rows_.taps == 0 || columns_.taps == 0) return run_zeros(column_block, first, last);
    tiling_.vectors = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(tiling_.vectors)));
    if (plan_.copied) tiling_ = {plan_.block_vectors, rows_.outputs, columns_.outputs};
    panels_ = make_panels(channels_, lanes_, std::min(tiling_.vectors, plan_.block_vectors));
    int64_t block = plan_.block_vectors * lanes_;
    Value *column = scaled(emitter_, column_block, block);
    Value *column_end = smin(ir().CreateAdd(column, number(block)), number(channels_));
    for_panels(emitter_, panels_, column, column_end, [&](const Panel &panel) {
      filters_ = plan_.copied     ? copied_filters(panel)
                 : plan_.on_stack ? filters_on_stack(panel)
                                  : filters_in_place(panel);
      for_range(emitter_, first, last, 1, [&](Value *image) {
        open(image);
        emit_panel(panel, nullptr);
      });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }

  void open(Value *image) {
    image_number_ = image;
    Value *start = at(image_.base, scaled(emitter_, image, image_.image_stride));
    image_start_ =
        at(start, number(rows_.first_input * image_.row_stride + columns_.first_input * image_.pixel_stride));
  }

  Filters filters_in_place(const Panel &panel) {
    const Address &kernel = emitter_.operand(1);
    Value *column = convolution_.depthwise()
                        ? panel.first
                        : ir().CreateAdd(panel.first, scaled(emitter_, group_, convolution_.output_channels));
    Value *first_tap = number(rows_.first_tap * kernel.strides[0] + columns_.first_tap * kernel.strides[1]);
    return {at(at(kernel.base, column), first_tap), kernel.strides[2], columns_.tap_step * kernel.strides[1],
            rows_.tap_step * kernel.strides[0]};
  }
  // Phases of such kernels have all taps.
  Filters copied_filters(const Panel &panel) {
    int64_t step = plan_.copied->panels.width(), tap = convolution_.input_channels * step;
    return {copied_panel(emitter_, *plan_.copied, panel.first), step, tap, convolution_.x.kernel * tap};
  }
  // Copies them: the taps of the phase, one after the other. Lanes behind the last filter are zeros.
  Filters filters_on_stack(const Panel &panel) {
    Filters from = filters_in_place(panel);
    int64_t step = int64_t{panel.vectors} * panels_.lanes, tap = convolution_.input_channels * step;
    Filters to{stack_, step, tap, columns_.taps * tap};
    llvm::Type *type = accumulator_type({element_, panels_.lanes});
    llvm::Align align(static_cast<uint64_t>(element_->getPrimitiveSizeInBits() / 8));
    Value *mask = lane_mask(ir(), panels_.lanes, panel.tail);
    for_range(emitter_, number(0), number(rows_.taps), 1, [&](Value *y) {
      for_range(emitter_, number(0), number(columns_.taps), 1, [&](Value *x) {
        auto tap_of = [&](const Filters &filters) {
          return at(filters.start, ir().CreateAdd(scaled(emitter_, y, filters.line), scaled(emitter_, x, filters.tap)));
        };
        Value *from_tap = tap_of(from), *to_tap = tap_of(to);
        for_range(emitter_, number(0), number(convolution_.input_channels), 1, [&](Value *channel) {
          Value *line = at(from_tap, scaled(emitter_, channel, from.step));
          Value *copy = at(to_tap, scaled(emitter_, channel, step));
          for (unsigned v = 0; v < panel.vectors; ++v) {
            Value *offset = number(int64_t{v} * panels_.lanes);
            prefetch_line(ir(), at(line, ir().CreateAdd(offset, number(kPrefetchedSteps * from.step))), true);
            Value *loaded = load_lanes(ir(), type, at(line, offset), v + 1 == panel.vectors ? mask : nullptr);
            ir().CreateAlignedStore(loaded, at(copy, offset), align);
          }
        });
      });
    });
    return to;
  }

  // Outputs that no tap reaches: the block has its share of the rows, and all filters of these, in the order of memory.
  void run_zeros(Value *column_block, Value *first, Value *last) {
    int64_t share = (rows_.outputs + plan_.column_blocks - 1) / plan_.column_blocks;
    Value *begin = smin(scaled(emitter_, column_block, share), number(rows_.outputs));
    Value *end = smin(ir().CreateAdd(begin, number(share)), number(rows_.outputs));
    panels_ = make_panels(channels_, lanes_, kFilterBlockVectors);
    tiling_.tile_lines = 1;
    for_range(emitter_, first, last, 1, [&](Value *image) {
      image_number_ = image;
      emitter_.loop(begin, end, 1, [&](Value *row) {
        for_range(emitter_, number(0), number(columns_.outputs), 1, [&](Value *column) {
          for_panels(emitter_, panels_, nullptr, nullptr, [&](const Panel &panel) {
            Tile tile{element_, panels_.lanes, panel.vectors, panel.tail, {number(0)}};
            finish(tile, zeros(tile), panel.first, row, column, 1);
          });
        });
      });
    });
  }
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
    int64_t row_step = rows_.input_per_output * image_.row_stride;
    int64_t pixel_step = columns_.input_per_output * image_.pixel_stride;

    Tile tile{element_, panels_.lanes, panel.vectors, panel.tail};
    tile.product = convolution_.depthwise() ? Product::pointwise : Product::broadcast;
    for (int64_t y = 0; y < lines; ++y)
      for (int64_t x = 0; x < length; ++x) tile.rows.push_back(number(y * row_step + x * pixel_step));
    tile.reductions = {
        {number(rows_.taps), number(rows_.input_per_tap * image_.row_stride), number(filters_.line)},
        {number(columns_.taps), number(columns_.input_per_tap * image_.pixel_stride), number(filters_.tap)},
        {number(convolution_.input_channels), number(1), number(filters_.step)}};

    if (plan_.column_blocks > 1) tile.prefetch_b = number(kPrefetchedSteps * filters_.step);
    if (plan_.copied || plan_.on_stack) tile.tail = 0;
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
    Accumulators sums = rows_.taps == 0 || columns_.taps == 0
                            ? zeros(tile)
                            : emit_tile(ir(), emitter_.target(), tile, a, filters_.start);
    tile.tail = panel.tail;
    finish(tile, sums, first_column, row, column, length);
  }

  Accumulators zeros(const Tile &tile) {
    llvm::Constant *zero = llvm::Constant::getNullValue(accumulator_type(tile));
    return Accumulators(tile.rows.size(), std::vector<Value *>(tile.vectors, zero));
  }

  void finish(const Tile &tile, const Accumulators &sums, Value *first_column, Value *row, Value *column,
              int64_t length) {
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
  Value *stack_;
  int64_t channels_;
  unsigned lanes_;
  Filters filters_;
  Value *image_number_ = nullptr;
  Value *image_start_ = nullptr;
  Value *group_ = nullptr;
  Tiling tiling_;
  Panels panels_;
};

int64_t stack_bytes(const ConvolutionPlan &plan, int64_t width) {
  int64_t steps = 0;
  for (const AxisPhase &rows : plan.rows)
    for (const AxisPhase &columns : plan.columns) steps = std::max(steps, rows.taps * columns.taps);
  return steps * plan.convolution.input_channels * width * (plan.convolution.dtype == DType::f64 ? 8 : 4);
}

Value *stack_memory(KernelEmitter &emitter, const ConvolutionPlan &plan) {
  int64_t lanes = lanes_for(emitter.target(), plan.convolution.dtype, plan.convolution.output_channels);
  return stack_floats(emitter, stack_bytes(plan, plan.block_vectors * lanes) / 4);
}

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

// The widest tiles that any phase asks for, as long as a block of as many vectors has room on the stack; 0: none has.
int64_t vectors_on_stack(const ConvolutionPlan &plan, const Target &target) {
  const Convolution &convolution = plan.convolution;
  unsigned lanes = lanes_for(target, convolution.dtype, convolution.output_channels);
  int64_t wanted = 1;
  for (const AxisPhase &rows : plan.rows)
    for (const AxisPhase &columns : plan.columns) {
      int64_t steps_of_phase = rows.taps * columns.taps * convolution.input_channels;
      if (steps_of_phase == 0) continue;
      Tiling tiling =
          choose_tiling(target, rows.outputs, columns.outputs, convolution.output_channels, lanes, steps_of_phase);
      wanted = std::max(wanted, tiling.vectors);
    }
  int64_t vectors = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(wanted)));
  while (vectors > 0 && stack_bytes(plan, vectors * lanes) > kMostStackBytes) vectors /= 2;
  return vectors;
}

// Blocks of filters, each with so many images: its units are images, block after block.
void emit_blocks(KernelEmitter &emitter, const ConvolutionPlan &plan, Dim units, int64_t units_per_chunk) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *stack = plan.on_stack ? stack_memory(emitter, plan) : nullptr;
  Value *images = dim_value(emitter, plan.convolution.images);
  auto [begin, end] = units_of_chunk(emitter, units, units_per_chunk);
  Value *first_block = ir.CreateUDiv(begin, images);
  Value *last_block = ir.CreateUDiv(ir.CreateAdd(end, ir.CreateSub(images, ir.getInt64(1))), images);
  emitter.loop(first_block, last_block, 1, [&, begin = begin, end = end](Value *block) {
    Value *first_unit = ir.CreateMul(block, images);
    Value *first = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, begin, first_unit);
    Value *last = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, ir.CreateAdd(first_unit, images));
    for (const AxisPhase &rows : plan.rows)
      for (const AxisPhase &columns : plan.columns)
        PhaseEmitter(emitter, plan, rows, columns, stack)
            .run_filters(block, ir.CreateSub(first, first_unit), ir.CreateSub(last, first_unit));
  });
}

// Whole images, or bands of them.
void emit_bands(KernelEmitter &emitter, const ConvolutionPlan &plan, Dim units, int64_t units_per_chunk) {
  for_units(emitter, units, units_per_chunk, [&](Value *unit) {
    llvm::IRBuilder<> &ir = emitter.ir();
    Value *image = unit, *band = nullptr;
    if (plan.blocks > 1) {
      image = ir.CreateSDiv(unit, ir.getInt64(static_cast<uint64_t>(plan.blocks)));
      band = ir.CreateSRem(unit, ir.getInt64(static_cast<uint64_t>(plan.blocks)));
    }
    for (const AxisPhase &rows : plan.rows)
      for (const AxisPhase &columns : plan.columns)
        PhaseEmitter(emitter, plan, rows, columns, nullptr).run(image, band);
  });
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
  } else if (int64_t vectors = large ? vectors_on_stack(plan, target) : 0; vectors > 0) {
    plan.on_stack = true;
    plan.block_vectors = vectors;
  }
  int64_t block_columns = plan.block_vectors * lanes_for(target, convolution.dtype, convolution.output_channels);
  bool in_blocks = large && convolution.output_channels > block_columns;
  if (in_blocks)
    plan.column_blocks = (convolution.output_channels + block_columns - 1) / block_columns;
  else
    plan.blocks = bands_of_image(nanoseconds(work), plan.rows.front().outputs);
  int64_t parts = plan.blocks * plan.column_blocks;

  KernelStage stage;
  stage.suffix = plan.source.padded ? "tile" : "";
  stage.units = {convolution.images.size * parts, convolution.images.batch};
  stage.units_per_chunk = even_units(stage.units, units_per_chunk(work / static_cast<double>(parts)));
  if (in_blocks && plan.on_stack) {
    int64_t pixels = plan.rows.front().outputs * plan.columns.front().outputs;
    stage.units_per_chunk = std::max(stage.units_per_chunk, (kPixelsOfCopy + pixels - 1) / pixels);
  }
  set_cost(stage, nanoseconds(work) / static_cast<double>(parts));
  cut_single_sample(stage);
  stage.emit = [plan, in_blocks, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    in_blocks ? emit_blocks(emitter, plan, units, group) : emit_bands(emitter, plan, units, group);
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
