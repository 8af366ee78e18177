// What the two ways of doing a convolution by Winograd's algorithm share: the plan, the transformed kernel, the
// results.
//
// In blocks (winograd_blocks.cpp): one kernel takes a block of tiles through all steps in the level-2 cache; each block
// reads the whole transformed kernel. In stages (winograd_stages.cpp), where that is larger than the cache: the inputs
// of all tiles are transformed by a stage of their own; then a panel of filters at a time is transformed and taken to
// all tiles, so that it is the panel that stays in the cache.
#pragma once

#include "codegen/contraction/common.h"
#include "codegen/contraction/winograd_tiles.h"

namespace netc::contraction {

struct WinogradPlan {
  Convolution convolution;
  WinogradTiles tiles;
  ImageSource source;
  bool constant_kernel = false;  // transforming it costs nothing
  bool in_stages = false;
  bool kernel_in_memory = true;  // transformed beforehand; otherwise by each chunk, its panel on the stack
  TransformedTiles inputs;
  Panels panels;       // of filters
  int64_t length = 1;  // tiles of one product
  int64_t block = 1;   // tiles whose products lie on the stack together, a multiple; in blocks: of one chunk

  int64_t channels() const { return convolution.input_channels; }
  int64_t panel_count() const { return panels.whole + (panels.rest_vectors > 0 ? 1 : 0); }
  int64_t width_of(const Panel &panel) const { return static_cast<int64_t>(panel.vectors) * panels.lanes; }
  // Floats of one panel of one plane of the transformed kernel, [channel][filter]. A cache line more keeps the planes
  // from competing for the same places of the cache.
  int64_t kernel_panel(int64_t width) const { return channels() * width + TransformedTiles::kCacheLineFloats; }
  int64_t kernel_size() const {
    int64_t rest = panels.rest_vectors * int64_t{panels.lanes};
    return tiles.planes() * (panels.whole * kernel_panel(panels.width()) + (rest > 0 ? kernel_panel(rest) : 0));
  }
  // Floats of the products of a block with one panel: [plane][tile][filter].
  int64_t product_plane(int64_t width) const { return block * width + TransformedTiles::kCacheLineFloats; }
  int64_t products_size() const { return tiles.planes() * product_plane(panels.width()); }
};

// Estimated cycles.
struct WinogradCosts {
  double direct;                             // of the direct kernel, for each image
  double transform;                          // of the kernel
  double kernel;                             // per call
  double input_tile, product, results_tile;  // per tile
};

// The panel's part of the transformed kernel, [plane][channel][filter], in the scratch memory apart.
llvm::Value *transformed_panel(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel);
// Transforms the panel's part of a channel of the kernel; `to` is laid out like that.
void transform_channel(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel, llvm::Value *channel,
                       llvm::Value *to);
// The stage that does this for all panels.
KernelStage transform_kernel_stage(const WinogradPlan &plan, double cycles);

// At most plan.block tiles from number `first` on. Their transformed inputs lie at `inputs`; those up to a multiple of
// plan.length may be read. `products`: memory for plan.products_size() floats.
struct TileBlock {
  llvm::Value *first, *count, *inputs, *products;
};
// Multiplies a block with a panel of the transformed kernel and transforms the products back; they leave through the
// epilogue. `prefetch` adds what the product of plan.length tiles from `row` on is to prefetch.
void emit_block(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel, llvm::Value *kernel,
                const TileBlock &block,
                const std::function<void(Tile &product, llvm::Value *plane, llvm::Value *row)> &prefetch);
// Turns of the innermost loop of a product.
int64_t product_turns(const WinogradPlan &plan);

// Appends the stages behind that of the kernel.
void add_winograd_blocks(ContractionLowering &lowering, const WinogradPlan &plan, const WinogradCosts &costs);
void add_winograd_stages(ContractionLowering &lowering, const WinogradPlan &plan, const WinogradCosts &costs);

// Bytes of the stack that a block takes, or in stages a panel of the kernel on the stack.
int64_t block_stack_bytes(const WinogradPlan &plan);
int64_t panel_stack_bytes(const WinogradPlan &plan);

}  // namespace netc::contraction
