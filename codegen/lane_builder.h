// The kernel builder that ops are lowered through (ir/kernel_builder.h), over LLVM IR: a Scalar is a vector of `lanes`
// neighbouring elements, or one number where all lanes agree; an Index is affine in the lane.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "codegen/kernel.h"
#include "codegen/vector_math.h"
#include "ir/kernel_builder.h"

namespace netc {

// base + constant + lane * lane_step, or + lanes[lane] where a loaded number is part of it.
struct LaneIndex {
  llvm::Value *base = nullptr;  // i64, or null for none
  int64_t constant = 0;
  int64_t lane_step = 0;
  llvm::Value *lanes = nullptr;  // vector of i64, or null
  // Where it is known that 0 <= the whole index < extent in every lane that counts: loops over an extent say so.
  Dim extent{0, false};
  // Bounds of everything but the constant; meaningless unless `bounded`.
  bool bounded = false;
  int64_t low = 0, high = 0;
  int64_t multiple = 1;  // divides the base

  // The index of a loop over [0, dim).
  LaneIndex within(Dim dim) const;
  bool is_constant() const { return base == nullptr && lane_step == 0 && lanes == nullptr; }
};

// random.cpp. Philox (ir/philox.h): the words of these counters, i64 or a vector of them.
using PhiloxWords = std::array<llvm::Value *, 4>;
PhiloxWords emit_philox(Kernel &kernel, uint64_t stream, llvm::Value *counters);
// A word as a number in [0, 1), f32.
llvm::Value *emit_uniform(Kernel &kernel, llvm::Value *word);
// The numbers of `elements`.
llvm::Value *emit_philox_uniform(Kernel &kernel, uint64_t stream, llvm::Value *elements);

// What the vectors of 64 neighbouring elements share, the first a multiple of 64: their random numbers come from the
// same counters (ir/philox.h).
struct RandomBlock {
  std::map<std::pair<uint64_t, int64_t>, PhiloxWords> words;  // by stream and first counter of the vector
};
inline constexpr int64_t kRandomBlock = 64;

class LaneBuilder final : public KernelBuilder {
 public:
  // `mask`: a vector of i1, null when every lane counts. Lanes outside are neither loaded nor stored.
  LaneBuilder(Kernel &kernel, unsigned lanes, llvm::Value *mask = nullptr);

  DType dtype(Scalar scalar) override { return scalars_[scalar.id].dtype; }
  Scalar constant(DType dtype, double value) override;
  Scalar unary(Unary op, Scalar x) override;
  Scalar binary(Binary op, Scalar a, Scalar b) override;
  Scalar fma(Scalar a, Scalar b, Scalar c) override;
  Scalar select(Scalar condition, Scalar yes, Scalar no) override;
  Scalar cast(Scalar x, DType dtype) override;
  Scalar random_uniform(uint64_t stream, Index element) override;
  Index index(int64_t value) override;
  Index add(Index a, Index b) override;
  Index scale(Index a, int64_t factor) override;
  Index scale(Index a, Dim factor) override;
  Index from_scalar(Scalar number) override;
  Scalar number(Index i, DType dtype) override;
  Scalar extent(Dim dim, DType dtype) override;
  Scalar load(size_t operand, std::span<const Index> index) override;
  Scalar load_or(size_t operand, std::span<const Index> index, Scalar outside) override;
  Type operand_type(size_t operand) override;
  Type result_type(size_t result) override;
  Scalar reduce(Reduction kind, std::span<const Dim> extents,
                const std::function<Scalar(std::span<const Index>)> &body) override;
  void for_each(std::span<const Dim> extents, const std::function<void(std::span<const Index>)> &body) override;
  void accumulate(std::span<const Index> index, Scalar value) override;

  // What the op being lowered has as operands and results. `operands` may be empty: then load is not allowed.
  struct Frame {
    std::vector<Type> operand_types;
    std::vector<Type> result_types;
    std::span<const Operand> operands;
    const Address *accumulator = nullptr;  // push lowerings
    bool stores_once = false;              // nothing is added up: accumulate stores over whatever was there
    // Set by accumulate, for the trial run that finds out how a push kernel may be split.
    bool keeps_first_axis = true;  // every accumulate goes to the index `first_axis` of axis 0
    bool distinct_lanes = true;    // no two lanes ever go to the same element
    Index first_axis;
  };
  Frame frame;
  RandomBlock *random_block = nullptr;  // of the vector, where it is part of one

  Index make(LaneIndex index);
  Index variable(llvm::Value *base, int64_t lane_step = 0) { return make({base, 0, lane_step, nullptr}); }
  Scalar make(llvm::Value *value, DType dtype);
  llvm::Value *value(Scalar scalar) const { return scalars_[scalar.id].value; }
  // As a vector of all lanes.
  llvm::Value *spread(llvm::Value *value);
  const LaneIndex &at(Index index) const { return indices_[index.id]; }
  // The element `offset` elements behind `base`, in each lane. `active` (uniform or per lane) may be null.
  Scalar load_element(llvm::Value *base, DType dtype, const LaneIndex &offset, llvm::Value *active = nullptr);
  void store_element(llvm::Value *base, DType dtype, const LaneIndex &offset, Scalar value);
  // One step of a reduction, and what it starts from (in all lanes).
  llvm::Value *combine(Reduction kind, llvm::Value *a, llvm::Value *b);
  llvm::Value *identity(Reduction kind, DType dtype);
  // All lanes of a vector as one number, halves first; of a number itself.
  llvm::Value *combine_lanes(Reduction kind, llvm::Value *vector);
  LaneIndex offset_of(std::span<const Dim> strides, std::span<const Index> index);

  Kernel &kernel;
  const unsigned lanes;
  llvm::Value *const mask;

 private:
  struct Number {
    llvm::Value *value;
    DType dtype;
  };
  Scalar widened(Scalar operand);
  Scalar narrowed(Scalar result);
  LaneIndex sum(const LaneIndex &a, const LaneIndex &b);
  llvm::Value *scalar_part(const LaneIndex &index);                       // base + constant
  llvm::Value *lane_values(const LaneIndex &index);                       // all lanes; a number when they agree
  llvm::Value *inside(std::span<const Index> index, const Shape &shape);  // i1 or a vector of them; null: always
  llvm::Value *pointers(llvm::Value *base, llvm::Type *type, const LaneIndex &offset);
  std::pair<llvm::Value *, llvm::Value *> same_shape(llvm::Value *a, llvm::Value *b);
  Scalar from_memory(llvm::Value *value, DType dtype);
  void nest(std::span<const Dim> extents, std::vector<Index> &index, Kernel::Values &carried,
            const std::function<void(std::span<const Index>, Kernel::Values &)> &body);

  llvm::IRBuilder<> &ir_;
  VectorMath math_;
  std::vector<Number> scalars_;
  std::vector<LaneIndex> indices_;
};

}  // namespace netc
