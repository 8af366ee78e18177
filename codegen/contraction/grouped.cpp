// Convolution in small groups, and the gradient of one with respect to its input: an image is cut into strips of rows,
// a strip into tiles (walk.h), and all channels of a tile follow one another, so that memory is read and written in
// long runs.
#include "codegen/contraction/grouped.h"

#include <algorithm>
#include <numeric>

#include "codegen/contraction/common.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/kernel_panels.h"
#include "codegen/contraction/walk_channels.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// A larger kernel is copied, so that the taps of a panel lie in one piece: a row of filters apart they would compete
// for few places of the first-level cache, with one another and with the inputs.
constexpr int64_t kMostBytesInRows = 32 * 1024;

struct GroupedPlan {
  Convolution convolution;
  ImageSource source;
  WalkPieces pieces;
  std::optional<KernelPanels> copied;  // the kernel is read from there

  int64_t strips() const {
    return std::accumulate(pieces.rows.begin(), pieces.rows.end(), int64_t{0},
                           [](int64_t sum, const Pieces &rows) { return sum + rows.count; });
  }
};

class GroupedEmitter {
 public:
  GroupedEmitter(KernelEmitter &emitter, const GroupedPlan &plan)
      : emitter_(emitter),
        plan_(plan),
        convolution_(plan.convolution),
        element_(element_type(emitter, convolution_.dtype)),
        image_(open_image(emitter, plan.source)),
        ahead_(emitter, convolution_),
        finished_(emitter.finished()),
        panels_(walk_panels(convolution_, emitter.target())),
        channels_(emitter, convolution_, panels_.lanes) {}

  // Strip number `strip` of an image.
  void run(Value *image, Value *strip) {
    image_number_ = image;
    int64_t before = 0;
    for (const Pieces &rows : plan_.pieces.rows) {
      auto emit = [&] {
        Value *number = ir().CreateSub(strip, ir().getInt64(static_cast<uint64_t>(before)));
        emit_strip(
            ir().CreateAdd(scaled(emitter_, number, rows.size), ir().getInt64(static_cast<uint64_t>(rows.first))),
            rows.size);
      };
      if (plan_.pieces.rows.size() == 1) return emit();
      Value *first = ir().getInt64(static_cast<uint64_t>(before)),
            *last = ir().getInt64(static_cast<uint64_t>(before + rows.count));
      when(emitter_, ir().CreateAnd(ir().CreateICmpSGE(strip, first), ir().CreateICmpSLT(strip, last)), emit);
      before += rows.count;
    }
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }

  void emit_strip(Value *row, int64_t rows) {
    for (const Pieces &columns : plan_.pieces.columns) {
      Walk walk = make_walk(convolution_, rows, columns.size);
      for_pieces(emitter_, columns, [&](Value *column) {
        for_panels(emitter_, panels_, nullptr, nullptr,
                   [&](const Panel &panel) { emit_tile_at(walk, row, column, panel); });
      });
    }
  }

  // Where the inputs of output `first` of an axis begin.
  Value *input_at(const ConvolutionAxis &axis, Value *first, int64_t stride) {
    int64_t period = walk_period(axis);
    Value *periods = period == 1 ? first : ir().CreateExactSDiv(first, number(period));
    return scaled(emitter_, periods, walk_input(axis, period) * stride);
  }

  void emit_tile_at(const Walk &walk, Value *row, Value *column, const Panel &panel) {
    const Address &kernel = emitter_.operand(1);
    Tile tile{element_, panels_.lanes, 1, panel.tail};
    llvm::Type *type = accumulator_type(tile);
    Value *mask = lane_mask(ir(), tile.lanes, tile.tail);
    Value *a = element_at(emitter_, element_, image_.base, scaled(emitter_, image_number_, image_.image_stride));
    a = element_at(emitter_, element_, a, input_at(convolution_.y, row, image_.row_stride));
    a = element_at(emitter_, element_, a, input_at(convolution_.x, column, image_.pixel_stride));
    a = element_at(emitter_, element_, a, channels_.first(panel.first));
    Value *b = plan_.copied ? copied_panel(emitter_, *plan_.copied, panel.first)
                            : element_at(emitter_, element_, kernel.base, panel.first);
    int64_t of_tap = plan_.copied ? plan_.copied->panels.width() : kernel.strides[2];

    IndexValue image = index_of(emitter_, image_number_), y = index_of(emitter_, row), x = index_of(emitter_, column),
               channel = index_of(emitter_, panel.first);
    auto finish = [&](int64_t output, Value *sum) {
      IndexValue place[] = {image,
                            {y.variable, y.constant + output / walk.columns},
                            {x.variable, x.constant + output % walk.columns},
                            channel};
      emitter_.finish(place, sum, mask);
    };

    std::vector<WalkAhead::Pixels> next{inputs_below(convolution_, walk, a, image_.row_stride, image_.pixel_stride)};
    for (const Address &image : finished_) {
      if (image.dtype != convolution_.dtype) continue;
      Value *start = element_at(emitter_, element_, image.base, scaled(emitter_, image_number_, image.strides[0]));
      start = element_at(emitter_, element_, start, scaled(emitter_, row, image.strides[1]));
      start = element_at(emitter_, element_, start, scaled(emitter_, column, image.strides[2]));
      start = element_at(emitter_, element_, start, panel.first);
      next.push_back({start, image.strides[1], image.strides[2], 0, walk.rows, walk.columns, walk.columns});
    }
    ahead_.prefetch(next, panel.first);

    std::vector<Value *> sums(static_cast<size_t>(walk.outputs()), nullptr),
        taps(static_cast<size_t>(walk.taps), nullptr);
    for (const WalkStep &step : walk.steps) {
      Value *place = number(step.row * image_.row_stride + step.column * image_.pixel_stride);
      Value *input = channels_.load(element_at(emitter_, element_, a, place), panel, step.channel);
      for (const WalkStep::Meeting &meeting : step.meetings) {
        Value *&sum = sums[static_cast<size_t>(meeting.output)];
        Value *&tap = taps[static_cast<size_t>(meeting.tap)];
        if (tap == nullptr) {
          Value *offset = number(meeting.tap * of_tap);
          tap = load_lanes(ir(), type, element_at(emitter_, element_, b, offset), mask);
        }
        sum = sum == nullptr ? ir().CreateFMul(input, tap) : multiply_add(ir(), emitter_.target(), input, tap, sum);
      }
      for (int64_t output : step.last_of_outputs) finish(output, sums[static_cast<size_t>(output)]);
      keep_order(ir());
    }
    for (int64_t output : walk.alone) finish(output, llvm::Constant::getNullValue(type));
    emitter_.settle();
  }

  KernelEmitter &emitter_;
  const GroupedPlan &plan_;
  const Convolution &convolution_;
  llvm::Type *element_;
  Image image_;
  WalkAhead ahead_;
  std::vector<Address> finished_;
  Panels panels_;
  WalkChannels channels_;
  Value *image_number_ = nullptr;
};

}  // namespace

ContractionLowering plan_grouped(const Convolution &convolution, const ValueLayout &input, const Target &target,
                                 bool constant_kernel) {
  ContractionLowering lowering;
  GroupedPlan plan{convolution, {}, choose_walk(convolution, target)};
  std::vector<AxisPhase> rows = axis_phases(convolution.y), columns = axis_phases(convolution.x);
  plan.source = plan_image(input, read_range(rows), read_range(columns));
  add_padding_stage(lowering, plan.source);

  Panels panels = walk_panels(convolution, target);
  int64_t steps = convolution.y.kernel * convolution.x.kernel * convolution.input_channels;
  int64_t bytes = steps * panels.columns * static_cast<int64_t>(byte_size(convolution.dtype));
  if (permutes_channels(convolution) && convolution.dtype == DType::f32 && bytes > kMostBytesInRows) {
    plan.copied = KernelPanels{panels, steps};
    lowering.scratch_apart = plan.copied->bytes();
    if (constant_kernel) lowering.prepared_as = plan.copied->prepared_as();
    lowering.stages.push_back(copy_kernel_stage(*plan.copied));
  }

  double taps = 0;
  for (const AxisPhase &row : rows)
    for (const AxisPhase &column : columns)
      taps += static_cast<double>(row.outputs * row.taps * column.outputs * column.taps);
  // Multiply-adds of one image.
  double work =
      taps * static_cast<double>(convolution.groups * convolution.input_channels * convolution.output_channels);
  int64_t strips = plan.strips();
  KernelStage stage;
  stage.suffix = lowering.stages.empty() ? "" : "tile";
  stage.units = {convolution.images.size * strips, convolution.images.batch};
  stage.units_per_chunk = even_units(stage.units, units_per_chunk(work / static_cast<double>(strips)));
  set_cost(stage, nanoseconds(work) / static_cast<double>(strips));
  cut_single_sample(stage);
  stage.emit = [plan, strips, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    GroupedEmitter grouped(emitter, plan);
    for_units(emitter, units, group, [&](Value *unit) {
      llvm::IRBuilder<> &ir = emitter.ir();
      Value *count = ir.getInt64(static_cast<uint64_t>(strips));
      if (strips == 1) return grouped.run(unit, ir.getInt64(0));
      grouped.run(ir.CreateSDiv(unit, count), ir.CreateSRem(unit, count));
    });
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
