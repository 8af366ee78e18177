// One phase of a convolution (geometry.h): rectangles of its pixels are the rows of tiles, its taps and the channels
// their reduction.
#pragma once

#include <optional>
#include <vector>

#include "codegen/contraction/common.h"
#include "codegen/contraction/convolution.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/kernel_panels.h"

namespace netc::contraction {

constexpr int64_t kFilterBlockVectors = 4;  // a multiple of every panel where there are blocks of columns

struct ConvolutionPlan {
  Convolution convolution;
  ImageSource source;
  std::vector<AxisPhase> rows, columns;
  int64_t blocks = 1;         // an image is cut into this many bands of rows
  int64_t column_blocks = 1;  // or, where the kernel is large, into so many blocks of block_vectors of filters
  int64_t block_vectors = kFilterBlockVectors;
  bool on_stack = false;               // a block of filters is copied there first
  std::optional<KernelPanels> copied;  // the kernel is read from there, a panel for each block of filters
};

// Where a panel of filters is read: the first tap of a phase, elements from one channel to the next, from tap to tap
// and from one row of taps to the next.
struct Filters {
  llvm::Value *start = nullptr;
  int64_t step = 0, tap = 0, line = 0;
};

class PhaseEmitter {
 public:
  // `stack`: memory for a block of filters of any phase, or null.
  PhaseEmitter(KernelEmitter &emitter, const ConvolutionPlan &plan, const AxisPhase &rows, const AxisPhase &columns,
               llvm::Value *stack);

  // All filters; a band of rows of an image, null: all of it.
  void run(llvm::Value *image, llvm::Value *block);
  // A block of filters; images from `first` to behind `last`.
  void run_filters(llvm::Value *column_block, llvm::Value *first, llvm::Value *last);

 private:
  using Value = llvm::Value;

  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  // Rows of outputs in one block.
  int64_t band() const { return (rows_.outputs + plan_.blocks - 1) / plan_.blocks; }

  void open(Value *image);
  Filters filters_in_place(const Panel &panel);
  Filters copied_filters(const Panel &panel);
  Filters filters_on_stack(const Panel &panel);
  void run_zeros(Value *column_block, Value *first, Value *last);
  void emit_panel(const Panel &panel, Value *block);
  void emit_lines(const Panel &panel, Value *row, int64_t lines);
  void emit_tile_at(const Panel &panel, Value *row, int64_t lines, Value *column, int64_t length);
  Accumulators zeros(const Tile &tile);
  void finish(const Tile &tile, const Accumulators &sums, Value *first_column, Value *row, Value *column,
              int64_t length);

  KernelEmitter &emitter_;
  const ConvolutionPlan &plan_;
  const Convolution &convolution_;
  const AxisPhase &rows_;
  const AxisPhase &columns_;
  llvm::Type *element_;
  Image image_;
  const std::vector<Address> finished_;
  Value *stack_;
  int64_t channels_;
  unsigned lanes_;
  Filters filters_;
  Value *image_number_ = nullptr;
  Value *image_start_ = nullptr;
  Value *group_ = nullptr;
  Tiling tiling_;
  Panels panels_;
};

}  // namespace netc::contraction
