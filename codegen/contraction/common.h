// What the lowerings of contractions share: addresses, indices, loops over units of work.
#pragma once

#include <functional>
#include <vector>

#include "codegen/chunks.h"
#include "codegen/contraction/blocking.h"
#include "codegen/contraction/tile.h"
#include "codegen/kernel_emitter.h"

namespace netc::contraction {

// As it lies in memory: bf16 is i16.
llvm::Type *element_type(KernelEmitter &emitter, DType dtype);
llvm::Value *dim_value(KernelEmitter &emitter, Dim dim);
// base + offset elements.
// Memory on the stack of this call, aligned to a cache line.
llvm::Value *on_stack(KernelEmitter &emitter, llvm::Type *element, int64_t count);
llvm::Value *element_at(KernelEmitter &emitter, llvm::Type *element, llvm::Value *base, llvm::Value *offset);
// i * factor, without an instruction where that is known.
llvm::Value *scaled(KernelEmitter &emitter, llvm::Value *i, int64_t factor);
// variable * factor + constant as an index, constants kept apart.
IndexValue index_of(KernelEmitter &emitter, llvm::Value *variable, int64_t factor = 1, int64_t constant = 0);

// for each first row of these pieces; a single one needs no loop.
void for_pieces(KernelEmitter &emitter, const Pieces &pieces, const std::function<void(llvm::Value *first)> &body);
// for (i = begin; i < end; i += step), or the body alone where there is exactly one turn.
void for_range(KernelEmitter &emitter, llvm::Value *begin, llvm::Value *end, int64_t step,
               const std::function<void(llvm::Value *i)> &body);
// The body where the condition (i1) holds: a loop of one turn or none.
void when(KernelEmitter &emitter, llvm::Value *condition, const std::function<void()> &body);
// The units of this chunk: first, and behind the last.
std::pair<llvm::Value *, llvm::Value *> units_of_chunk(KernelEmitter &emitter, Dim units, int64_t units_per_chunk);
// One after the other: the frame of most stages.
void for_units(KernelEmitter &emitter, Dim units, int64_t units_per_chunk,
               const std::function<void(llvm::Value *unit)> &body);

// The panels whose first column lies in [begin, end) -- null: all -- each shape of panel emitted once.
struct Panel {
  llvm::Value *first;  // column, i64
  unsigned vectors;
  unsigned tail;  // lanes inside in the last vector; 0: all
};
void for_panels(KernelEmitter &emitter, const Panels &panels, llvm::Value *begin, llvm::Value *end,
                const std::function<void(const Panel &)> &body);

// Hands every accumulator of a tile to the epilogue. `index(row)` is the logical index of the row; the column is
// appended.
void finish_tile(KernelEmitter &emitter, const Tile &tile, const Accumulators &sums, llvm::Value *first_column,
                 const std::function<std::vector<IndexValue>(size_t row)> &index);

// A right side of at least this many elements is prefetched, so many steps ahead.
inline constexpr int64_t kLargeElements = 128 * 1024;
inline constexpr int64_t kPrefetchedSteps = 24;
// One of at least this many comes from beyond the second-level cache.
inline constexpr int64_t kFarElements = 256 * 1024;

// Work is cut so that a chunk takes about this long; the estimate of the kernels' speed is deliberately modest.
inline constexpr double kChunkNanoseconds = 15000;
inline constexpr double kOperationsPerNanosecond = 60;
// How many units of this many multiply-adds make a chunk worth handing to a thread.
int64_t units_per_chunk(double multiply_adds_per_unit);
double nanoseconds(double multiply_adds);
// Splits an estimate for `units` units into the fixed and the batch part of a stage.
void set_cost(KernelStage &stage, double nanoseconds_per_unit);
// Cuts the work of a single sample finer, so that there is some for every thread: units_per_chunk_of_one, a multiple of
// this many units. After set_cost.
void cut_single_sample(KernelStage &stage, int64_t multiple = 1);

}  // namespace netc::contraction
