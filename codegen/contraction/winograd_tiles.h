// The tiles that Winograd's convolutions cut images into, and their transformed elements.
#pragma once

#include <optional>

#include "codegen/contraction/blocking.h"
#include "codegen/contraction/convolution.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/tile.h"
#include "codegen/contraction/winograd_transform.h"

namespace netc::contraction {

// 4 x 4 results each, or as many as the algorithms of the axes say, row by row, image by image. The last tile of an
// axis is moved back into the image where it would stick out: it overlaps the one before, and what both hold is
// "skipped" in it.
struct WinogradTiles {
  Dim images;
  int64_t height = 4, width = 4;  // of the results, at least one tile
  WinogradAxis y, x;

  int64_t rows() const { return (height + y.results - 1) / y.results; }
  int64_t columns() const { return (width + x.results - 1) / x.results; }
  int64_t of_image() const { return rows() * columns(); }
  Dim count() const { return {images.size * of_image(), images.batch}; }
  int64_t skipped_rows() const { return rows() * y.results - height; }
  int64_t skipped_columns() const { return columns() * x.results - width; }
  int64_t planes() const { return y.points * x.points; }
  int64_t plane(int64_t y_point, int64_t x_point) const { return y_point * x.points + x_point; }
};

// How a convolution is done in such tiles; nothing where its type, its kernel or its size do not suit.
std::optional<WinogradTiles> winograd_tiles(const Convolution &convolution);
// What the tiles read.
ImageSource tiled_image(const Convolution &convolution, const WinogradTiles &tiles, const ValueLayout &input);

struct WinogradTile {
  llvm::Value *image, *y, *x;             // of its first result
  llvm::Value *first_row, *first_column;  // not skipped, 0 to 3
};
WinogradTile locate_tile(KernelEmitter &emitter, const WinogradTiles &tiles, llvm::Value *number);
// i1: whether the result at (y, x) of the tile is not skipped; null: it never is.
llvm::Value *counts(KernelEmitter &emitter, const WinogradTiles &tiles, const WinogradTile &tile, int64_t y, int64_t x);

// Transformed elements of the tiles of a block: [group][plane][tile of the group][channel], channels filled up with
// zeros to whole vectors. Groups make neighbours of what one product sums. Cache lines between them keep planes and
// tiles from competing for the same places of the cache.
struct TransformedTiles {
  int64_t planes = 36;
  int64_t channels = 1;
  unsigned lanes = 1;
  int64_t group = 1;  // tiles

  int64_t row() const { return (channels + lanes - 1) / lanes * lanes; }
  int64_t plane() const { return group == 1 ? row() : group * row() + kCacheLineFloats; }
  int64_t tile() const { return group == 1 ? group_size() : row(); }  // from one tile to the next of its group
  int64_t group_size() const { return planes * plane() + kCacheLineFloats; }
  // Floats of so many tiles, whole groups.
  int64_t size(int64_t tiles) const { return tiles / group * group_size(); }
  Panels vectors() const { return make_panels(channels, lanes, 1); }

  static constexpr int64_t kCacheLineFloats = 16;
};
// The elements of tile number `tile` of a block that starts at `base`, plane 0.
llvm::Value *tile_of_block(KernelEmitter &emitter, const TransformedTiles &transformed, llvm::Value *base,
                           llvm::Value *tile);

// Bytes filled up to whole cache lines.
inline int64_t whole_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// On the stack, this many floats, aligned to a cache line.
llvm::Value *stack_floats(KernelEmitter &emitter, int64_t count);
// The most that a kernel may take of it, in bytes.
inline constexpr int64_t kMostStack = 768 * 1024;

// Transforms the inputs under a tile; `to`: of its plane 0.
void emit_input_tile(KernelEmitter &emitter, const Convolution &convolution, const WinogradTiles &tiles,
                     const Image &image, const TransformedTiles &transformed, const WinogradTile &tile,
                     llvm::Value *to);
// Transforms the gradients of a tile's results; skipped ones count as zeros.
void emit_gradient_tile(KernelEmitter &emitter, const WinogradTiles &tiles, const Address &gradient,
                        const TransformedTiles &transformed, const WinogradTile &tile, llvm::Value *to);

// Zeros in the place of a tile.
void emit_zero_tile(KernelEmitter &emitter, const TransformedTiles &transformed, llvm::Value *to);

// What a block of tiles reads or writes of a value in memory: near enough one piece, for prefetching.
struct BlockMemory {
  llvm::Value *base;                 // of pixel (0, 0) of image 0
  int64_t image_stride, row_stride;  // in floats
};
// Prefetches part number `part` of `parts` of the memory of the block that starts at tile `begin`, while `product` runs
// so many turns of its innermost loop. Parts may be less than 1.
struct BlockPart {
  llvm::Value *begin;
  int64_t tiles;  // of a block
  llvm::Value *part;
  int64_t parts;
  int64_t covered = 1;  // parts that the product stands for
  int64_t turns = 1;
};
void prefetch_block(KernelEmitter &emitter, const WinogradTiles &tiles, const BlockMemory &memory,
                    const BlockPart &part, Tile &product);

// Estimated cycles of transforming one vector of channels of a tile, memory included.
inline constexpr double kTransformCycles = 150;
// The part of a product's multiply-adds that is not lost to loads and stores.
inline constexpr double kProductEfficiency = 0.85;
inline constexpr double kDirectEfficiency = 0.92;
inline constexpr double kCyclesPerNanosecond = 3;

}  // namespace netc::contraction
