#include "codegen/contraction/common.h"
#include "codegen/contraction/depthwise.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// Of the caches near a core, what a batch may take; as samples_per_block (work.cpp) has it.
constexpr int64_t kNearBytes = 2 << 20;
constexpr int64_t kLineBytes = 64;

}  // namespace

WalkAhead::WalkAhead(KernelEmitter &emitter, llvm::Type *element, Dim images, int64_t elements)
    : emitter_(emitter), element_(element) {
  llvm::IRBuilder<> &ir = emitter.ir();
  int64_t bytes = elements * static_cast<int64_t>(element->getPrimitiveSizeInBits() / 8);
  far_ = ir.CreateICmpSGT(dim_value(emitter, images), ir.getInt64(static_cast<uint64_t>(kNearBytes / bytes)));
}

void WalkAhead::prefetch(const std::vector<Pixels> &all, Value *channel) const {
  llvm::IRBuilder<> &ir = emitter_.ir();
  // Once for all vectors of a cache line.
  int64_t in_line = kLineBytes / static_cast<int64_t>(element_->getPrimitiveSizeInBits() / 8);
  Value *place = ir.CreateAnd(channel, ir.getInt64(static_cast<uint64_t>(in_line - 1)));
  when(emitter_, ir.CreateAnd(far_, ir.CreateICmpEQ(place, ir.getInt64(0))), [&] {
    for (const Pixels &pixels : all)
      for (int64_t row = pixels.row; row < pixels.row + pixels.rows; ++row)
        for (int64_t column = pixels.column; column < pixels.column + pixels.columns; ++column) {
          int64_t offset = row * pixels.row_stride + column * pixels.pixel_stride;
          Value *line = element_at(emitter_, element_, pixels.start, ir.getInt64(static_cast<uint64_t>(offset)));
          ir.CreateIntrinsic(llvm::Intrinsic::prefetch, {line->getType()},
                             {line, ir.getInt32(0), ir.getInt32(3), ir.getInt32(1)});
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
          walk_input(convolution.x, walk.columns)};
}

}  // namespace netc::contraction
