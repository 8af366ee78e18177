// Products of bf16 in the tile registers of AMX: eight registers of 16 rows of 64 bytes. One instruction multiplies 16
// rows of 32 numbers with 32 rows of 16 columns, whose rows lie in pairs, and adds to 16 x 16 sums in f32.
//
// Four registers hold sums (2 x 2), two rows of A, two columns of B: every register that is loaded is used twice.
//
// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
#pragma once

#include <array>
#include <vector>

#include "codegen/kernel_emitter.h"

namespace netc::contraction {

inline constexpr int64_t kTileRows = 16;     // of A and of the sums, at most
inline constexpr int64_t kTileColumns = 16;  // of B and of the sums
inline constexpr int64_t kTileSteps = 32;    // numbers in a row of A, at most
inline constexpr int64_t kTileBytes = 1024;  // of 32 steps of 16 columns of B

// The most steps, an even number, that one instruction can do such that so many are a whole number of them; 0 where
// that would be few.
int64_t tile_steps(int64_t steps);

// One loop over the steps: `count` turns (i64) that move A and B by these numbers of bytes.
struct TileLoop {
  llvm::Value *count;
  llvm::Value *a_step;
  llvm::Value *b_step;
};

// Sums of up to two tiles of rows times up to two of columns.
struct TileBlock {
  std::vector<llvm::Value *> a;  // pointers to the first row, one for each tile
  llvm::Value *a_stride;         // i64, bytes from row to row
  std::vector<llvm::Value *> b;  // pointers to packed columns: rows of 16 pairs
  std::vector<TileLoop> loops;   // outermost first
};

class MatrixUnit {
 public:
  explicit MatrixUnit(KernelEmitter &emitter);

  // What the registers hold from here on: so many rows (i64, 1 to 16) in the first and the second tile of A, and steps.
  void configure(llvm::Value *first_rows, llvm::Value *second_rows, int64_t steps);
  // Gives the registers back: the last thing in a kernel.
  void release();

  // Multiplies. Sums start from zero, or from memory: `sums` (pointer) with `sums_stride` bytes from row to row and 16
  // rows to the second tile, where they are stored in the end in any case.
  void multiply(const TileBlock &block, llvm::Value *sums, llvm::Value *sums_stride, bool continues);

  // 32 x 32 sums on the stack of this call, 32 in a row.
  llvm::Value *stack_sums();
  static constexpr int64_t kSumsStride = 2 * kTileColumns * 4;  // bytes

  // Memory of this call, aligned to a cache line.
  llvm::Value *stack(int64_t bytes);

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  llvm::Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  llvm::Value *at(llvm::Value *base, llvm::Value *bytes) { return ir().CreateGEP(ir().getInt8Ty(), base, bytes); }
  void nest(const TileBlock &block, size_t depth, llvm::Value *a_offset, llvm::Value *b_offset);
  void step(const TileBlock &block, llvm::Value *a_offset, llvm::Value *b_offset);

  KernelEmitter &emitter_;
  llvm::Value *configuration_ = nullptr, *sums_ = nullptr;
};

// Packs a matrix B of bf16 for the unit: blocks of 16 columns, in them the steps in pairs, [column / 16][step /
// 2][16][2]. Columns are filled up with whatever is there or zeros. `steps` is even.
struct PackedColumns {
  int64_t steps = 2, columns = 1;
  bool transposed = false;  // b is [columns, steps]

  int64_t blocks() const { return (columns + kTileColumns - 1) / kTileColumns; }
  int64_t block_bytes() const { return steps * kTileColumns * 2; }
  int64_t bytes() const { return blocks() * block_bytes(); }
};
// Appends the stage that packs operand 1 into the memory apart, which it asks for; once, when it never changes.
void add_packing_stage(ContractionLowering &lowering, const PackedColumns &packed, bool constant_kernel);

// Two lines of neighbouring columns, as pairs (64 bytes) to `to`. Null: zeros. `inside`: which of 16 columns there are,
// null: all.
void emit_pairs(KernelEmitter &emitter, llvm::Value *first, llvm::Value *second, llvm::Value *inside, llvm::Value *to);
// Of the block of columns with this number: those that are among `columns`; null where it is known to be all.
llvm::Value *columns_inside(KernelEmitter &emitter, int64_t columns, llvm::Value *block);

// Hands a block of sums to the epilogue: rows [begin, end) of the first or second tile of `sums` (kSumsStride), whose
// logical index is index(row). `column`: the first of `columns`, at most 32, a number known when emitting.
void finish_rows(KernelEmitter &emitter, llvm::Value *sums, llvm::Value *begin, llvm::Value *end, llvm::Value *column,
                 int64_t columns, const std::function<std::vector<IndexValue>(llvm::Value *row)> &index);

// Panels of 32 columns, and what is left: emits body(first column, number of columns) for those whose number is in
// [begin, end); null: all.
void for_tile_panels(KernelEmitter &emitter, int64_t columns, llvm::Value *begin, llvm::Value *end,
                     const std::function<void(llvm::Value *first, int64_t columns)> &body);
inline int64_t tile_panels(int64_t columns) { return (columns + 2 * kTileColumns - 1) / (2 * kTileColumns); }

// Work is handed out in chunks of about this many multiply-adds.
inline constexpr double kTileChunkProducts = 4e6;
// Estimated nanoseconds: a quarter of the peak.
inline double tile_nanoseconds(double products) { return products / 400; }

}  // namespace netc::contraction
