#include "codegen/contraction/winograd_tiles.h"

#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

std::optional<WinogradAxis> winograd_axis(const ConvolutionAxis &axis) {
  if (axis.kernel != kWinogradTaps || axis.stride != 1 || axis.dilation != 1 || axis.input_dilation != 1)
    return std::nullopt;
  if (axis.input == 2 && axis.output == 2 && axis.padding_low == 1) return kTwoBetweenZeros;
  if (axis.output >= kFourResults.results) return kFourResults;
  return std::nullopt;
}

Range read_by_tiles(const ConvolutionAxis &axis, const WinogradAxis &algorithm) {
  int64_t low = algorithm.border - axis.padding_low;
  return {low, low + axis.output - algorithm.results + algorithm.inputs - 1};
}

// The first result of tile number `tile` of an axis, and the first one in it that is not skipped.
std::pair<Value *, Value *> along_axis(llvm::IRBuilder<> &ir, Value *tile, int64_t results, int64_t size,
                                       int64_t skipped) {
  Value *first = ir.CreateMul(tile, ir.getInt64(static_cast<uint64_t>(results)));
  if (skipped == 0) return {first, ir.getInt64(0)};
  Value *last = ir.getInt64(static_cast<uint64_t>(size - results));
  Value *inside = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, first, last);
  return {inside, ir.CreateSub(first, inside)};
}

// Runs `transform` over the channels of a tile: `fetch` loads elements y, x at a pointer to the first channel.
void emit_tile_transform(
    KernelEmitter &emitter, WinogradTransform transform, const WinogradTiles &tiles,
    const TransformedTiles &transformed, Value *from, Value *to,
    const std::function<Value *(Value *place, int64_t y, int64_t x, llvm::Type *, Value *mask)> &fetch) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = ir.getFloatTy();
  for_panels(emitter, transformed.vectors(), nullptr, nullptr, [&](const Panel &panel) {
    llvm::Type *type = accumulator_type({element, transformed.lanes});
    Value *mask = lane_mask(ir, transformed.lanes, panel.tail);
    Value *source = element_at(emitter, element, from, panel.first);
    Value *target = element_at(emitter, element, to, panel.first);
    emit_transform(
        emitter, transform, tiles.y, tiles.x, [&](int64_t y, int64_t x) { return fetch(source, y, x, type, mask); },
        [&](int64_t y, int64_t x, Value *value) {
          int64_t offset = tiles.plane(y, x) * transformed.plane();
          Value *place = element_at(emitter, element, target, ir.getInt64(static_cast<uint64_t>(offset)));
          ir.CreateAlignedStore(value, place, llvm::Align(4));
        });
  });
}

}  // namespace

std::optional<WinogradTiles> winograd_tiles(const Convolution &convolution) {
  if (convolution.dtype != DType::f32 || convolution.groups != 1) return std::nullopt;
  std::optional<WinogradAxis> y = winograd_axis(convolution.y), x = winograd_axis(convolution.x);
  if (!y || !x) return std::nullopt;
  return WinogradTiles{convolution.images, convolution.y.output, convolution.x.output, *y, *x};
}

ImageSource tiled_image(const Convolution &convolution, const WinogradTiles &tiles, const ValueLayout &input) {
  return plan_image(input, read_by_tiles(convolution.y, tiles.y), read_by_tiles(convolution.x, tiles.x));
}

WinogradTile locate_tile(KernelEmitter &emitter, const WinogradTiles &tiles, Value *number) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto constant = [&](int64_t i) { return ir.getInt64(static_cast<uint64_t>(i)); };
  Value *image = ir.CreateUDiv(number, constant(tiles.of_image()));
  Value *inside = ir.CreateURem(number, constant(tiles.of_image()));
  Value *row = ir.CreateUDiv(inside, constant(tiles.columns()));
  Value *column = ir.CreateURem(inside, constant(tiles.columns()));
  auto [y, first_row] = along_axis(ir, row, tiles.y.results, tiles.height, tiles.skipped_rows());
  auto [x, first_column] = along_axis(ir, column, tiles.x.results, tiles.width, tiles.skipped_columns());
  return {image, y, x, first_row, first_column};
}

Value *counts(KernelEmitter &emitter, const WinogradTiles &tiles, const WinogradTile &tile, int64_t y, int64_t x) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *row = nullptr, *column = nullptr;
  if (y < tiles.skipped_rows()) row = ir.CreateICmpULE(tile.first_row, ir.getInt64(static_cast<uint64_t>(y)));
  if (x < tiles.skipped_columns()) column = ir.CreateICmpULE(tile.first_column, ir.getInt64(static_cast<uint64_t>(x)));
  if (row == nullptr || column == nullptr) return row == nullptr ? column : row;
  return ir.CreateAnd(row, column);
}

Value *stack_floats(KernelEmitter &emitter, int64_t count) {
  llvm::BasicBlock &entry = emitter.function()->getEntryBlock();
  llvm::IRBuilder<> ir(&entry, entry.begin());
  llvm::AllocaInst *floats = ir.CreateAlloca(llvm::ArrayType::get(ir.getFloatTy(), static_cast<uint64_t>(count)));
  floats->setAlignment(llvm::Align(64));
  return floats;
}

Value *tile_of_block(KernelEmitter &emitter, const TransformedTiles &transformed, Value *base, Value *tile) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = ir.getFloatTy();
  if (transformed.group == 1)
    return element_at(emitter, element, base, scaled(emitter, tile, transformed.group_size()));
  Value *size = ir.getInt64(static_cast<uint64_t>(transformed.group));
  Value *group =
      element_at(emitter, element, base, scaled(emitter, ir.CreateUDiv(tile, size), transformed.group_size()));
  return element_at(emitter, element, group, scaled(emitter, ir.CreateURem(tile, size), transformed.row()));
}

void emit_input_tile(KernelEmitter &emitter, const Convolution &convolution, const WinogradTiles &tiles,
                     const Image &image, const TransformedTiles &transformed, const WinogradTile &tile, Value *to) {
  llvm::Type *element = emitter.ir().getFloatTy();
  auto constant = [&](int64_t i) { return emitter.ir().getInt64(static_cast<uint64_t>(i)); };
  Value *from = element_at(emitter, element, image.base, scaled(emitter, tile.image, image.image_stride));
  from = element_at(emitter, element, from, scaled(emitter, tile.y, image.row_stride));
  from = element_at(emitter, element, from, scaled(emitter, tile.x, image.pixel_stride));
  emit_tile_transform(emitter, WinogradTransform::input, tiles, transformed, from, to,
                      [&](Value *place, int64_t y, int64_t x, llvm::Type *type, Value *mask) {
                        int64_t offset = (y + tiles.y.border - convolution.y.padding_low) * image.row_stride +
                                         (x + tiles.x.border - convolution.x.padding_low) * image.pixel_stride;
                        return load_lanes(emitter.ir(), type, element_at(emitter, element, place, constant(offset)),
                                          mask);
                      });
}

void emit_gradient_tile(KernelEmitter &emitter, const WinogradTiles &tiles, const Address &gradient,
                        const TransformedTiles &transformed, const WinogradTile &tile, Value *to) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = ir.getFloatTy();
  Value *from = element_at(emitter, element, gradient.base, scaled(emitter, tile.image, gradient.strides[0]));
  from = element_at(emitter, element, from, scaled(emitter, tile.y, gradient.strides[1]));
  from = element_at(emitter, element, from, scaled(emitter, tile.x, gradient.strides[2]));
  emit_tile_transform(emitter, WinogradTransform::gradient, tiles, transformed, from, to,
                      [&](Value *place, int64_t y, int64_t x, llvm::Type *type, Value *mask) {
                        Value *offset =
                            ir.getInt64(static_cast<uint64_t>(y * gradient.strides[1] + x * gradient.strides[2]));
                        Value *value = load_lanes(ir, type, element_at(emitter, element, place, offset), mask);
                        Value *counted = counts(emitter, tiles, tile, y, x);
                        if (counted == nullptr) return value;
                        return ir.CreateSelect(counted, value, llvm::Constant::getNullValue(type));
                      });
}

void emit_zero_tile(KernelEmitter &emitter, const TransformedTiles &transformed, Value *to) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = ir.getFloatTy();
  Value *planes = ir.getInt64(static_cast<uint64_t>(transformed.planes * transformed.plane()));
  emitter.loop(ir.getInt64(0), planes, transformed.plane(), [&](Value *plane) {
    ir.CreateMemSet(element_at(emitter, element, to, plane), ir.getInt8(0),
                    static_cast<uint64_t>(transformed.row()) * sizeof(float), llvm::MaybeAlign(4));
  });
}

void prefetch_block(KernelEmitter &emitter, const WinogradTiles &tiles, const BlockMemory &memory,
                    const BlockPart &part, Tile &product) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = ir.getFloatTy();
  // Tiles of a row reach down as far as its last line does; where the row was begun by another block, so was that.
  const int64_t reach = tiles.y.results;
  constexpr int64_t kLine = TransformedTiles::kCacheLineFloats;
  int64_t of_tile = memory.image_stride / tiles.of_image();
  int64_t of_part = (of_tile * part.tiles + part.parts - 1) / part.parts;
  int64_t lines = (of_part * part.covered + kLine - 1) / kLine;
  Value *start = element_at(emitter, element, memory.base, scaled(emitter, part.begin, of_tile));
  start = element_at(emitter, element, start, ir.getInt64(static_cast<uint64_t>(reach * memory.row_stride)));
  start = element_at(emitter, element, start, scaled(emitter, part.part, of_part));
  int64_t lines_of_turn = (lines + part.turns - 1) / part.turns;
  Ahead ahead{start, false};
  for (int64_t line = 0; line < lines_of_turn; ++line)
    ahead.offsets.push_back(ir.getInt64(static_cast<uint64_t>(line * kLine)));
  ahead.turn = ir.getInt64(static_cast<uint64_t>(lines_of_turn * kLine));
  product.ahead.push_back(std::move(ahead));
}

}  // namespace netc::contraction
