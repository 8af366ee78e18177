// The one loop that every contraction is made of: an outer-product tile.
//
//     result[r][v] = initial[r][v] + sum over the reduction of A[rows[r] + a] * B[v * lanes .. + lanes][b]
//
// Accumulators are SSA values, one register each; rows are offsets from one pointer into A, so dense layers,
// convolutions and their gradients are the same loop with other offsets and no copy of the input (im2col) is ever made.
// A reduction is a nest of loops that step both pointers. Each result is one chain of fused multiply-adds in the order
// of the nest, whatever the size of the tile: cutting the work differently changes no bit.
//
// Where the target multiplies pairs, an element of A or B is two neighbouring numbers of the reduction in bf16, and
// both products are added: everything else, steps and offsets, is the same.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <vector>

#include "codegen/target.h"

namespace netc::contraction {

// One loop of the reduction: `count` iterations (an i64, constant or not) that move A and B by these numbers of
// elements.
struct Reduction {
  llvm::Value *count;
  llvm::Value *a_step;
  llvm::Value *b_step;
};

// What a vector of B is multiplied with.
enum class Product {
  broadcast,  // one element of A
  pointwise,  // the elements of A at rows[r] + v * lanes: channel by channel, for depthwise convolutions
  none,       // nothing: the tile adds up B, A is not read
};

// Memory that is wanted later: each turn of the innermost loop prefetches a cache line of it, or one at each of some
// offsets, and moves on, so that the loads never crowd. A tile knows neither where the memory ends nor cares:
// prefetching does not fault.
struct Ahead {
  llvm::Value *start;
  bool near;                                // into the first-level cache, for the next tiles; otherwise into the second
  std::vector<llvm::Value *> offsets = {};  // i64, elements; none: 0
  llvm::Value *turn = nullptr;              // i64, elements to move with each turn; null: a cache line ...
  llvm::Value *step = nullptr;              // ... or, where it is set, with each step of the reduction
};

struct Tile {
  llvm::Type *element;                // float or double
  unsigned lanes = 1;                 // of a vector of B and of the result; 1: scalars
  unsigned vectors = 1;               // neighbouring vectors of B
  unsigned tail = 0;                  // lanes of the last vector that are inside; 0: all of them
  std::vector<llvm::Value *> rows;    // i64 offsets in A, in elements
  std::vector<Reduction> reductions;  // outermost first
  Product product = Product::broadcast;
  int64_t unrolled = 8;               // steps in a turn of the innermost loop, at most
  llvm::Value *prefetch_a = nullptr;  // elements ahead of A to prefetch with every step; null: nothing
  llvm::Value *prefetch_b = nullptr;  // the same of B, for each of its vectors
  std::vector<Ahead> ahead;           // what later tiles will read
  llvm::Value *copy_b = nullptr;      // where the vectors of B are stored as they are read, one after the other
  unsigned panel = 0;                 // so many vectors of B are neighbours; 0: all of them ...
  int64_t panel_step = 0;             // ... and the next so many lie this many elements further on
};

// [row][vector]
using Accumulators = std::vector<std::vector<llvm::Value *>>;

// The vector (or scalar) type of one accumulator.
llvm::Type *accumulator_type(const Tile &tile);

// <lanes x i1> with the first `inside` set; null when all are.
llvm::Value *lane_mask(llvm::IRBuilder<> &ir, unsigned lanes, unsigned inside);

// A vector (or scalar) at `pointer`, aligned to its elements; lanes outside of `mask` (null: none) are not read and
// give zero.
llvm::Value *load_lanes(llvm::IRBuilder<> &ir, llvm::Type *type, llvm::Value *pointer, llvm::Value *mask);
// Stores them there; lanes outside of `mask` are left as they are.
void store_lanes(llvm::IRBuilder<> &ir, llvm::Value *value, llvm::Value *pointer, llvm::Value *mask);

// x * y + z: one rounding where the target can, otherwise two.
llvm::Value *multiply_add(llvm::IRBuilder<> &ir, const Target &target, llvm::Value *x, llvm::Value *y, llvm::Value *z);

// Asks for a cache line: into the first-level cache (`near`) or the second.
void prefetch_line(llvm::IRBuilder<> &ir, llvm::Value *pointer, bool near);

// Instruction selection likes to put loads of neighbouring addresses next to each other, more than the registers hold.
// It does not move a load across this: something with a side effect, be it empty.
void keep_order(llvm::IRBuilder<> &ir);

// Emits the tile at the insertion point, which ends up behind it. `initial` empty: zeros.
Accumulators emit_tile(llvm::IRBuilder<> &ir, const Target &target, const Tile &tile, llvm::Value *a, llvm::Value *b,
                       Accumulators initial = {});

// Marks the backward branch of a loop: LLVM neither unrolls nor vectorises it.
void keep_loop(llvm::BranchInst *branch);

}  // namespace netc::contraction
