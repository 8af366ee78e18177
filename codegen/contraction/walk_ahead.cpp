#include "codegen/contraction/common.h"
#include "codegen/contraction/grouped.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// Of the caches near a core, what a batch may take; as samples_per_block (work.cpp) has it.
constexpr int64_t kNearBytes = 2 << 20;
constexpr int64_t kLineBytes = 64;

}  // namespace

WalkAhead::WalkAhead(KernelEmitter &emitter, const Convolution &convolution)
    : emitter_(emitter), element_(element_type(emitter, convolution.dtype)) {
  llvm::IRBuilder<> &ir = emitter.ir();
  const ConvolutionAxis &y = convolution.y, &x = convolution.x;
  int64_t elements = convolution.groups * (y.input * x.input * convolution.input_channels +
                                           y.output * x.output * convolution.output_channels);
  int64_t bytes = elements * static_cast<int64_t>(byte_size(convolution.dtype));
  far_ =
      ir.CreateICmpSGT(dim_value(emitter, convolution.images), ir.getInt64(static_cast<uint64_t>(kNearBytes / bytes)));
}

void WalkAhead::prefetch(const std::vector<Pixels> &all, Value *filter) const {
  llvm::IRBuilder<> &ir = emitter_.ir();
  // Once for all vectors of a cache line.
  int64_t in_line = kLineBytes / static_cast<int64_t>(element_->getPrimitiveSizeInBits() / 8);
  Value *place = ir.CreateAnd(filter, ir.getInt64(static_cast<uint64_t>(in_line - 1)));
  when(emitter_, ir.CreateAnd(far_, ir.CreateICmpEQ(place, ir.getInt64(0))), [&] {
    for (const Pixels &pixels : all)
      for (int64_t row = pixels.row; row < pixels.row + pixels.rows; ++row)
        for (int64_t column = pixels.column; column < pixels.column + pixels.columns; ++column) {
          int64_t pixel = row * pixels.row_stride + column * pixels.pixel_stride;
          for (int64_t line = 0; line < pixels.lines; ++line) {
            auto offset = static_cast<uint64_t>(pixel + line * in_line);
            prefetch_line(ir, element_at(emitter_, element_, pixels.start, ir.getInt64(offset)), true);
          }
        }
  });
}

WalkAhead::Pixels inputs_below(const Convolution &convolution, const Walk &walk, Value *inputs, int64_t row_stride,
                               int64_t pixel_stride) {
  if (walk.steps.empty()) return {inputs, row_stride, pixel_stride, 0, 0, 0, 0};
  return {inputs,
          row_stride,
          pixel_stride,
          walk.steps.back().row + 1,
          walk_input(convolution.y, walk.rows),
          walk.steps.front().column,
          walk_input(convolution.x, walk.columns),
          (convolution.input_channels + convolution.output_channels - 1) / convolution.output_channels};
}

}  // namespace netc::contraction
