// Convolutions of small images with large kernels: the rows of a tile are the same pixel of several images, so that
// tiles are full however small an image is, and taps that only see the zeros around it are left out. The kernel is
// copied panel by panel first, as the next cache likes it; a chunk takes its panel to all images.
#include <algorithm>

#include "codegen/contraction/common.h"
#include "codegen/contraction/convolution.h"
#include "codegen/contraction/kernel_panels.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kMostPixels = 16;  // of a result: where there are more, tiles of neighbouring pixels are full enough
constexpr int64_t kUnrolledChannels = 4;
constexpr int64_t kLineFloats = 16;
constexpr int64_t kLeastKernel =
    512 * 1024;  // elements: beyond the level-2 cache, for tiles of one image to read again

struct ImagesPlan {
  Convolution convolution;
  std::vector<AxisPhase> rows, columns;
  KernelPanels kernel;
  int64_t images = 1;  // of a tile
};

// The taps of an output that see the image.
struct Taps {
  Value *first, *count, *input;  // input: position that the first of them sees
};

class ImagesEmitter {
 public:
  ImagesEmitter(KernelEmitter &emitter, const ImagesPlan &plan)
      : emitter_(emitter), plan_(plan), element_(emitter.ir().getFloatTy()) {}

  void convolve(Value *unit) {
    Value *column = scaled(emitter_, unit, plan_.kernel.panels.width());
    Value *end = smin(ir().CreateAdd(column, number(plan_.kernel.panels.width())), number(plan_.kernel.panels.columns));
    Value *images = dim_value(emitter_, plan_.convolution.images);
    Value *whole = scaled(emitter_, ir().CreateUDiv(images, number(plan_.images)), plan_.images);
    for_panels(emitter_, plan_.kernel.panels, column, end, [&](const Panel &panel) {
      for (const AxisPhase &rows : plan_.rows)
        for (const AxisPhase &columns : plan_.columns)
          for_range(emitter_, number(0), number(rows.outputs), 1, [&](Value *y) {
            Taps down = taps_of(rows, plan_.convolution.y, y);
            for_range(emitter_, number(0), number(columns.outputs), 1, [&](Value *x) {
              Taps along = taps_of(columns, plan_.convolution.x, x);
              auto some = [&](Value *begin, Value *behind, int64_t count) {
                for_range(emitter_, begin, behind, count, [&](Value *image) {
                  emit_tile_at(panel, {rows, columns, down, along, y, x}, image, count);
                });
              };
              some(number(0), whole, plan_.images);
              some(whole, images, 1);
            });
          });
    });
  }

 private:
  struct Pixel {
    const AxisPhase &rows, &columns;
    Taps down, along;
    Value *y, *x;  // of the phase
  };

  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }
  Value *smax(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, b); }

  Taps taps_of(const AxisPhase &phase, const ConvolutionAxis &axis, Value *output) {
    int64_t step = phase.input_per_tap;
    Value *start = ir().CreateAdd(scaled(emitter_, output, phase.input_per_output), number(phase.first_input));
    // Rounded up: how many taps see what is before the image; which is the last that sees it.
    Value *before = ir().CreateSDiv(ir().CreateSub(number(step - 1), smin(start, number(0))), number(step));
    Value *last = ir().CreateSub(number(axis.input - 1), start);
    Value *behind = ir().CreateAdd(ir().CreateSDiv(smax(last, number(-step)), number(step)), number(1));
    behind = smin(behind, number(phase.taps));
    return {before, smax(ir().CreateSub(behind, before), number(0)),
            ir().CreateAdd(start, scaled(emitter_, before, step))};
  }

  void emit_tile_at(const Panel &panel, const Pixel &pixel, Value *image, int64_t count) {
    const Address &input = emitter_.operand(0);
    int64_t width = plan_.kernel.panels.width(), channels = plan_.convolution.input_channels;
    int64_t tap = channels * width, line = plan_.convolution.x.kernel * tap;
    Tile tile{element_, plan_.kernel.panels.lanes, panel.vectors};
    for (int64_t i = 0; i < count; ++i) tile.rows.push_back(number(i * input.strides[0]));
    tile.reductions = {
        {pixel.down.count, number(pixel.rows.input_per_tap * input.strides[1]), number(pixel.rows.tap_step * line)},
        {pixel.along.count, number(pixel.columns.input_per_tap * input.strides[2]),
         number(pixel.columns.tap_step * tap)},
        {number(channels), number(1), number(width)}};
    tile.unrolled = kUnrolledChannels;
    tile.prefetch_b = number(kPrefetchedSteps * width);

    Value *a = at(input.base, scaled(emitter_, image, input.strides[0]));
    a = at(a, scaled(emitter_, pixel.down.input, input.strides[1]));
    a = at(a, scaled(emitter_, pixel.along.input, input.strides[2]));
    Value *start = copied_panel(emitter_, plan_.kernel, panel.first);
    Value *b = at(start, number(pixel.rows.first_tap * line + pixel.columns.first_tap * tap));
    b = at(b, scaled(emitter_, pixel.down.first, pixel.rows.tap_step * line));
    b = at(b, scaled(emitter_, pixel.along.first, pixel.columns.tap_step * tap));
    if (count > 1) prefetch_panel(tile, pixel, at(start, number(plan_.kernel.panel_size())), image);
    Accumulators sums = emit_tile(ir(), emitter_.target(), tile, a, b);

    IndexValue y = index_of(emitter_, pixel.y, pixel.rows.output_step, pixel.rows.first_output);
    IndexValue x = index_of(emitter_, pixel.x, pixel.columns.output_step, pixel.columns.first_output);
    tile.tail = panel.tail;
    finish_tile(emitter_, tile, sums, panel.first, [&](size_t i) {
      return std::vector<IndexValue>{{image, static_cast<int64_t>(i)}, y, x};
    });
  }

  // Part of the next panel, which comes from far away: the tiles of a pixel share its part.
  void prefetch_panel(Tile &tile, const Pixel &pixel, Value *next, Value *image) {
    constexpr int64_t kTilesOfPixel = 4;
    int64_t pixels = pixel.rows.outputs * pixel.columns.outputs;
    int64_t lines = plan_.kernel.panel_size() / kLineFloats / (pixels * kTilesOfPixel) + 1;
    // Half of the turns that all taps would make.
    int64_t turns = std::max<int64_t>(1, plan_.kernel.steps / kUnrolledChannels / 2);
    int64_t lines_of_turn = (lines + turns - 1) / turns;
    Value *part = ir().CreateAdd(scaled(emitter_, pixel.y, pixel.columns.outputs), pixel.x);
    part = ir().CreateAdd(scaled(emitter_, part, kTilesOfPixel), ir().CreateUDiv(image, number(plan_.images)));
    Ahead ahead{at(next, scaled(emitter_, part, lines * kLineFloats)), false};
    for (int64_t i = 0; i < lines_of_turn; ++i) ahead.offsets.push_back(number(i * kLineFloats));
    ahead.turn = number(lines_of_turn * kLineFloats);
    tile.ahead.push_back(std::move(ahead));
  }

  KernelEmitter &emitter_;
  const ImagesPlan &plan_;
  llvm::Type *element_;
};

}  // namespace

std::optional<LoweringForBatches> plan_convolution_images(const Convolution &convolution, const Target &target,
                                                          bool constant_kernel) {
  if (convolution.dtype != DType::f32 || convolution.groups != 1) return std::nullopt;
  int64_t steps = convolution.y.kernel * convolution.x.kernel * convolution.input_channels;
  const int64_t columns = convolution.output_channels;
  PowerTile tile = choose_power_tile(target, columns, lanes_for(target, DType::f32, columns));
  ImagesPlan plan{convolution, axis_phases(convolution.y), axis_phases(convolution.x), {tile.panels, steps}, tile.rows};
  int64_t pixels = plan.rows.front().outputs * plan.columns.front().outputs;
  if (steps * columns < kLeastKernel || pixels > kMostPixels) return std::nullopt;
  const Dim images = convolution.images;
  if (!images.batch && images.size < plan.images) return std::nullopt;

  LoweringForBatches result;
  result.least_batch = images.batch ? (plan.images + images.size - 1) / images.size : 1;
  result.lowering.scratch_apart = plan.kernel.bytes();
  if (constant_kernel) result.lowering.prepared_as = plan.kernel.prepared_as();
  result.lowering.stages.push_back(copy_kernel_stage(plan.kernel));

  KernelStage stage;
  stage.suffix = "images";
  stage.units = {plan.kernel.count(), false};
  double taps = 0;
  for (const AxisPhase &rows : plan.rows)
    for (const AxisPhase &columns : plan.columns)
      taps += static_cast<double>(rows.outputs * rows.taps * columns.outputs * columns.taps);
  double cost = nanoseconds(taps * static_cast<double>(convolution.input_channels * convolution.output_channels) *
                            static_cast<double>(images.size));
  (images.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) = cost;
  stage.emit = [plan](KernelEmitter &emitter) { ImagesEmitter(emitter, plan).convolve(emitter.chunk()); };
  result.lowering.stages.push_back(std::move(stage));
  return result;
}

}  // namespace netc::contraction
