// What the two ways of doing a convolution by Winograd's algorithm share: the plan, the transformed kernel, the
// results.
//
// In blocks (winograd_blocks.cpp): one kernel takes a block of tiles through all steps in the level-2 cache; each block
// reads the whole transformed kernel. In stages (winograd_stages.cpp): every step is a stage of its own over all tiles,
// so that the transformed kernel, where it is larger than that cache, is read once.
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
  TransformedTiles inputs;
  Panels panels;       // of filters
  int64_t length = 1;  // tiles of one product
  int64_t block = 1;   // tiles of one chunk, a multiple; in stages: of no meaning

  int64_t channels() const { return convolution.input_channels; }
  int64_t panel_count() const { return panels.whole + (panels.rest_vectors > 0 ? 1 : 0); }
  int64_t width_of(const Panel &panel) const { return static_cast<int64_t>(panel.vectors) * panels.lanes; }
  // Floats of one panel of one plane of the transformed kernel, [channel][filter]. A cache line more keeps the planes
  // from competing for the same places of the cache.
  int64_t kernel_panel(int64_t width) const { return channels() * width + TransformedTiles::kCacheLineFloats; }
  int64_t kernel_plane() const {
    int64_t rest = panels.rest_vectors * int64_t{panels.lanes};
    return panels.whole * kernel_panel(panels.width()) + (rest > 0 ? kernel_panel(rest) : 0);
  }
  int64_t kernel_size() const { return tiles.planes() * kernel_plane(); }
};

// Estimated cycles.
struct WinogradCosts {
  double direct;                             // of the direct kernel, for each image
  double transform;                          // of the kernel
  double kernel;                             // per call
  double input_tile, product, results_tile;  // per tile
};

// The panel's part of a plane of the transformed kernel, which lies in the scratch memory apart: in blocks panel by
// panel, in stages plane by plane.
llvm::Value *transformed_kernel(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel,
                                llvm::Value *plane);
KernelStage transform_kernel_stage(const WinogradPlan &plan, double cycles);

// The product of `length` tiles, A at the channels of the first, with a panel: no prefetching yet.
Tile product_tile(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel);
inline constexpr int64_t kUnrolledChannels = 4;  // half of what is usual: less code for the same speed

// Transforms a vector of filters of a tile back; `load(plane)` gives its products. They leave through the epilogue.
void emit_results(KernelEmitter &emitter, const WinogradPlan &plan, const WinogradTile &tile, llvm::Value *filter,
                  llvm::Value *mask, const std::function<llvm::Value *(int64_t plane)> &load);
// The vectors of a panel, each by its first column in it.
void for_vectors(KernelEmitter &emitter, const WinogradPlan &plan, const Panel &panel,
                 const std::function<void(llvm::Value *first, llvm::Value *mask)> &body);

// Appends the stages behind that of the kernel.
void add_winograd_blocks(ContractionLowering &lowering, const WinogradPlan &plan, const WinogradCosts &costs);
void add_winograd_stages(ContractionLowering &lowering, const WinogradPlan &plan, const WinogradCosts &costs);

// Bytes of the stack that a block takes.
int64_t block_stack_bytes(const WinogradPlan &plan);

}  // namespace netc::contraction
