#include "codegen/contraction/convolution_phase.h"

#include <algorithm>
#include <bit>

namespace netc::contraction {

using llvm::Value;

PhaseEmitter::PhaseEmitter(KernelEmitter &emitter, const ConvolutionPlan &plan, const AxisPhase &rows,
                           const AxisPhase &columns, Value *stack)
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

void PhaseEmitter::run(Value *image, Value *block) {
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

void PhaseEmitter::run_filters(Value *column_block, Value *first, Value *last) {
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

void PhaseEmitter::open(Value *image) {
  image_number_ = image;
  Value *start = at(image_.base, scaled(emitter_, image, image_.image_stride));
  image_start_ = at(start, number(rows_.first_input * image_.row_stride + columns_.first_input * image_.pixel_stride));
}

Filters PhaseEmitter::filters_in_place(const Panel &panel) {
  const Address &kernel = emitter_.operand(1);
  Value *column = convolution_.depthwise()
                      ? panel.first
                      : ir().CreateAdd(panel.first, scaled(emitter_, group_, convolution_.output_channels));
  Value *first_tap = number(rows_.first_tap * kernel.strides[0] + columns_.first_tap * kernel.strides[1]);
  return {at(at(kernel.base, column), first_tap), kernel.strides[2], columns_.tap_step * kernel.strides[1],
          rows_.tap_step * kernel.strides[0]};
}
// Phases of such kernels have all taps.
Filters PhaseEmitter::copied_filters(const Panel &panel) {
  int64_t step = plan_.copied->panels.width(), tap = convolution_.input_channels * step;
  return {copied_panel(emitter_, *plan_.copied, panel.first), step, tap, convolution_.x.kernel * tap};
}
// Copies them: the taps of the phase, one after the other. Lanes behind the last filter are zeros.
Filters PhaseEmitter::filters_on_stack(const Panel &panel) {
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
void PhaseEmitter::run_zeros(Value *column_block, Value *first, Value *last) {
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

void PhaseEmitter::emit_panel(const Panel &panel, Value *block) {
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

void PhaseEmitter::emit_lines(const Panel &panel, Value *row, int64_t lines) {
  for (const Pieces &pieces : balanced(columns_.outputs, tiling_.tile_length))
    for_pieces(emitter_, pieces, [&](Value *column) { emit_tile_at(panel, row, lines, column, pieces.size); });
}

void PhaseEmitter::emit_tile_at(const Panel &panel, Value *row, int64_t lines, Value *column, int64_t length) {
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
  Accumulators sums =
      rows_.taps == 0 || columns_.taps == 0 ? zeros(tile) : emit_tile(ir(), emitter_.target(), tile, a, filters_.start);
  tile.tail = panel.tail;
  finish(tile, sums, first_column, row, column, length);
}

Accumulators PhaseEmitter::zeros(const Tile &tile) {
  llvm::Constant *zero = llvm::Constant::getNullValue(accumulator_type(tile));
  return Accumulators(tile.rows.size(), std::vector<Value *>(tile.vectors, zero));
}

void PhaseEmitter::finish(const Tile &tile, const Accumulators &sums, Value *first_column, Value *row, Value *column,
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

}  // namespace netc::contraction
