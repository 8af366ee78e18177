// The gradient of a convolution in small groups with respect to its kernel, image by image: the sums of all taps of a
// channel are in registers while a tile (walk.h) walks through the inputs that its gradients meet.
#include "codegen/contraction/common.h"
#include "codegen/contraction/grouped.h"
#include "codegen/contraction/walk_channels.h"

namespace netc::contraction {

using llvm::Value;

namespace {

class GroupedWeightsEmitter {
 public:
  GroupedWeightsEmitter(KernelEmitter &emitter, const Convolution &convolution, const Image &image, Value *number,
                        Value *sums)
      : emitter_(emitter),
        convolution_(convolution),
        element_(element_type(emitter, convolution.dtype)),
        row_stride_(image.row_stride),
        pixel_stride_(image.pixel_stride),
        panels_(walk_panels(convolution, emitter.target())),
        channels_(emitter, convolution, panels_.lanes),
        ahead_(emitter, convolution),
        sums_(sums) {
    image_ = element_at(emitter, element_, image.base, scaled(emitter, number, image.image_stride));
    const Address &dy = emitter.operand(1);
    dy_ = element_at(emitter, element_, dy.base, scaled(emitter, number, dy.strides[0]));
  }

  void run(const WalkPieces &pieces) {
    for (const Pieces &rows : pieces.rows)
      for_pieces(emitter_, rows, [&](Value *row) {
        for (const Pieces &columns : pieces.columns) {
          Walk walk = make_walk(convolution_, rows.size, columns.size);
          for_pieces(emitter_, columns, [&](Value *column) {
            for_panels(emitter_, panels_, nullptr, nullptr,
                       [&](const Panel &panel) { emit_tile_at(walk, row, column, panel); });
          });
        }
      });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *at(Value *base, int64_t offset) {
    return element_at(emitter_, element_, base, ir().getInt64(static_cast<uint64_t>(offset)));
  }

  void emit_tile_at(const Walk &walk, Value *row, Value *column, const Panel &panel) {
    const Address &dy = emitter_.operand(1);
    Tile tile{element_, panels_.lanes, 1, panel.tail};
    llvm::Type *type = accumulator_type(tile);
    Value *mask = lane_mask(ir(), tile.lanes, tile.tail);
    auto place = [&](Value *base, int64_t of_row, int64_t of_column, Value *first) {
      base = element_at(emitter_, element_, base, scaled(emitter_, row, of_row));
      base = element_at(emitter_, element_, base, scaled(emitter_, column, of_column));
      return element_at(emitter_, element_, base, first);
    };
    Value *inputs = place(image_, convolution_.y.stride * row_stride_, convolution_.x.stride * pixel_stride_,
                          channels_.first(panel.first));
    Value *outputs = place(dy_, dy.strides[1], dy.strides[2], panel.first);
    Value *taps = element_at(emitter_, element_, sums_, panel.first);

    ahead_.prefetch({inputs_below(convolution_, walk, inputs, row_stride_, pixel_stride_),
                     {outputs, dy.strides[1], dy.strides[2], 0, walk.rows, walk.columns, walk.columns}},
                    panel.first);

    std::vector<Value *> gradients(static_cast<size_t>(walk.outputs()), nullptr),
        sums(static_cast<size_t>(walk.taps), nullptr);
    for (const WalkStep &step : walk.steps) {
      Value *input =
          channels_.load(at(inputs, step.row * row_stride_ + step.column * pixel_stride_), panel, step.channel);
      for (const WalkStep::Meeting &meeting : step.meetings) {
        Value *&gradient = gradients[static_cast<size_t>(meeting.output)];
        Value *&sum = sums[static_cast<size_t>(meeting.tap)];
        if (gradient == nullptr) {
          int64_t offset =
              meeting.output / walk.columns * dy.strides[1] + meeting.output % walk.columns * dy.strides[2];
          gradient = load_lanes(ir(), type, at(outputs, offset), mask);
        }
        if (sum == nullptr) sum = load_lanes(ir(), type, at(taps, meeting.tap * panels_.columns), mask);
        sum = multiply_add(ir(), emitter_.target(), input, gradient, sum);
      }
      for (int64_t tap : step.last_of_taps)
        store_lanes(ir(), sums[static_cast<size_t>(tap)], at(taps, tap * panels_.columns), mask);
      keep_order(ir());
    }
  }

  KernelEmitter &emitter_;
  const Convolution &convolution_;
  llvm::Type *element_;
  int64_t row_stride_, pixel_stride_;
  Panels panels_;
  WalkChannels channels_;
  WalkAhead ahead_;
  Value *sums_, *image_, *dy_;
};

}  // namespace

void accumulate_grouped(KernelEmitter &emitter, const Convolution &convolution, const WalkPieces &pieces,
                        const Image &image, Value *image_number, Value *sums) {
  GroupedWeightsEmitter(emitter, convolution, image, image_number, sums).run(pieces);
}

}  // namespace netc::contraction
