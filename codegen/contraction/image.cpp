#include "codegen/contraction/image.h"

#include <algorithm>

#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

int64_t padded_bytes(const ImageSource &source) {
  int64_t bytes = source.padded_size() * static_cast<int64_t>(source.dtype == DType::f64 ? 8 : 4);
  return (bytes + 63) / 64 * 64;
}

Image padded_image(KernelEmitter &emitter, const ImageSource &source) {
  int64_t origin = -source.rows.low * source.padded_row() - source.columns.low * source.channels;
  int64_t bytes = source.dtype == DType::f64 ? 8 : 4;
  return {element_at(emitter, element_type(emitter, source.dtype), emitter.scratch(), emitter.ir().getInt64(origin)),
          padded_bytes(source) / bytes, source.padded_row(), source.channels};
}

// Zeros the padded image, then copies the rows that are inside.
void emit_padding(KernelEmitter &emitter, const ImageSource &source, Value *image) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = element_type(emitter, source.dtype);
  int64_t bytes = source.dtype == DType::f64 ? 8 : 4;
  Image to = padded_image(emitter, source);
  const Address &from = emitter.operand(0);
  Value *start = element_at(emitter, element, emitter.scratch(), scaled(emitter, image, to.image_stride));
  ir.CreateMemSet(start, ir.getInt8(0), static_cast<uint64_t>(padded_bytes(source)), llvm::MaybeAlign(64));
  int64_t left = std::max<int64_t>(0, source.columns.low), right = std::min(source.width - 1, source.columns.high);
  int64_t top = std::max<int64_t>(0, source.rows.low), bottom = std::min(source.height - 1, source.rows.high);
  if (left > right || top > bottom) return;
  Value *to_image = element_at(emitter, element, to.base, scaled(emitter, image, to.image_stride));
  Value *from_image = element_at(emitter, element, from.base, scaled(emitter, image, from.strides[0]));
  emitter.loop(ir.getInt64(top), ir.getInt64(bottom + 1), 1, [&](Value *row) {
    auto pixel = [&](Value *base, int64_t row_stride, int64_t pixel_stride) {
      Value *line = element_at(emitter, element, base, scaled(emitter, row, row_stride));
      return element_at(emitter, element, line, ir.getInt64(left * pixel_stride));
    };
    llvm::Align align(static_cast<uint64_t>(bytes));
    ir.CreateMemCpy(pixel(to_image, to.row_stride, to.pixel_stride), align,
                    pixel(from_image, from.strides[1], from.strides[2]), align,
                    static_cast<uint64_t>((right - left + 1) * source.channels * bytes));
  });
}

}  // namespace

ImageSource plan_image(const ValueLayout &layout, Range rows, Range columns) {
  const Shape &shape = layout.type.shape;
  ImageSource source{shape[0], layout.type.dtype, shape[1].size, shape[2].size, shape[3].size, rows, columns};
  source.padded = rows.low < -layout.halo.top || rows.high >= source.height + layout.halo.bottom ||
                  columns.low < -layout.halo.left || columns.high >= source.width + layout.halo.right;
  return source;
}

void add_padding_stage(ContractionLowering &lowering, const ImageSource &source) {
  if (!source.padded) return;
  (source.images.batch ? lowering.scratch_batch : lowering.scratch_fixed) += padded_bytes(source) * source.images.size;
  KernelStage stage;
  stage.suffix = "pad";
  stage.units = source.images;
  double copied = static_cast<double>(padded_bytes(source));
  stage.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(200000 / copied));
  set_cost(stage, copied / 10);
  stage.emit = [source, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *image) { emit_padding(emitter, source, image); });
  };
  lowering.stages.push_back(std::move(stage));
}

Image open_image(KernelEmitter &emitter, const ImageSource &source) {
  if (source.padded) return padded_image(emitter, source);
  const Address &address = emitter.operand(0);
  return {address.base, address.strides[0], address.strides[1], address.strides[2]};
}

}  // namespace netc::contraction
