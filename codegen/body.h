// The elementwise part of a kernel: a fused body (or a single op) evaluated at points of an iteration space.
//
// The axes of the space are those of the iteration shape, with neighbouring axes merged wherever every operand and
// result allows it, so that most kernels are one loop over memory. A body with pooling runs over the pooled image: each
// point is a window, at whose places values of the image are evaluated (ir/window.h).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "codegen/lane_builder.h"
#include "ir/graph.h"
#include "ir/op.h"
#include "ir/window.h"

namespace netc {

// A function that holds one copy of `op`, its operands as arguments.
Function body_of(const Op &op, const Function &function);

// Something that is read or written at every point: its address moves by `strides` elements along each axis.
struct Stream {
  std::vector<Dim> strides;
  // Inside a window: elements from one place to the one below it and to the one beside it.
  int64_t row = 0, column = 0;
  bool by_place() const { return row != 0 || column != 0; }
};

// The space a body runs over, and how its arguments and results move in it.
struct IterationSpace {
  std::vector<Dim> axes;
  std::vector<bool> reduced;      // one for each axis; all false for a map
  std::vector<Stream> arguments;  // of the body
  std::vector<Stream> results;    // of the body
  std::optional<Window> window;

  size_t places() const { return window ? window->places() : 1; }
  size_t places(const Stream &stream) const { return stream.by_place() ? places() : 1; }
  // Where an element of the stream is, in elements.
  LaneIndex offset(LaneBuilder &builder, const Stream &stream, std::span<const LaneIndex> point,
                   size_t place = 0) const;
};

// The shape all elementwise ops of the body broadcast to.
Shape iteration_shape(const Function &body);

// Merges axes, if `merge_axes`. `reduced_axes` (of the iteration shape) is for reduce kernels; `keep_dims` belongs to
// it.
IterationSpace make_space(const Function &body, std::span<const ValueLayout> arguments,
                          std::span<const ValueLayout> results, std::span<const int64_t> reduced_axes = {},
                          bool keep_dims = false, bool merge_axes = true);

// Evaluates values of a body; remembers what was evaluated, so copy it before entering a loop and drop the copy on
// leaving.
class BodyEvaluator {
 public:
  BodyEvaluator(const Function &body, const IterationSpace &space, std::span<const Operand> arguments);

  // Fixes a value: the result of the contraction of a fused contraction.
  void set(ValueId value, llvm::Value *number);
  // The value at `point`: one index for each axis of the space; in a window, at this place of it.
  llvm::Value *at(LaneBuilder &builder, ValueId value, std::span<const LaneIndex> point, size_t place = 0);
  // Evaluates everything that depends on the axes in `bound` alone, so that it is not done again in inner loops.
  void hoist(LaneBuilder &builder, std::span<const LaneIndex> point, const std::vector<bool> &bound);

 private:
  llvm::Value *&known(ValueId value, size_t place);
  llvm::Value *load(LaneBuilder &builder, ValueId argument, std::span<const LaneIndex> point, size_t place) const;
  void pool(LaneBuilder &builder, const Op &op, std::span<const LaneIndex> point);
  bool depends_only_on(ValueId value, const std::vector<bool> &bound) const;
  const Function *body_;
  const IterationSpace *space_;
  std::span<const Operand> arguments_;
  std::vector<const Op *> producers_;       // by value; null for arguments
  std::vector<std::vector<bool>> depends_;  // by value, then axis
  std::vector<bool> by_place_;              // by value: differs between the places of a window
  std::vector<llvm::Value *> known_;        // by value, then place
};

// Lanes of the vectors that this body is computed in, from its widest element type.
unsigned lanes_for(const Function &body, const Target &target);
// A rough number of nanoseconds of one element on one core.
double nanoseconds_per_element(const Function &body, const Target &target);

// Calls `emit` for lanes that cover [begin, end): a loop of full vectors, then the rest in one masked vector or in
// narrower vectors. `count` is end - begin where it is known at compile time.
void for_lanes(Kernel &kernel, unsigned lanes, llvm::Value *begin, llvm::Value *end, std::optional<int64_t> count,
               const std::function<void(LaneBuilder &, LaneIndex)> &emit);
// Lanes that cover [0, count), a multiple of 64, in blocks of 64 whose vectors share their random numbers.
void for_random_blocks(Kernel &kernel, unsigned lanes, int64_t count,
                       const std::function<void(LaneBuilder &, LaneIndex)> &emit);
// Whether the body draws random numbers.
bool draws_numbers(const Function &body);
// A vector of i1: the first `active` (i64) lanes.
llvm::Value *first_lanes(Kernel &kernel, unsigned lanes, llvm::Value *active);

}  // namespace netc
