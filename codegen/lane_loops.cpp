// The part of LaneBuilder that loops over extents and reduces.
#include <llvm/IR/Constants.h>

#include <cmath>

#include "codegen/lane_builder.h"

namespace netc {

void LaneBuilder::nest(std::span<const Dim> extents, std::vector<Index> &index, Kernel::Values &carried,
                       const std::function<void(std::span<const Index>, Kernel::Values &)> &body) {
  size_t axis = index.size();
  if (axis == extents.size()) return body(index, carried);
  // Short loops are written out: their indices become constants of the addresses.
  int64_t written_out = 1;
  for (size_t rest = axis; rest < extents.size(); ++rest)
    written_out *= extents[rest].batch ? 1 << 20 : extents[rest].size;
  if (!extents[axis].batch && written_out <= 16) {
    for (int64_t i = 0; i < extents[axis].size; ++i) {
      index.push_back(this->index(i));
      nest(extents, index, carried, body);
      index.pop_back();
    }
    return;
  }
  carried = kernel.loop(kernel.i64(0), kernel.size(extents[axis]), 1, carried,
                        [&](llvm::Value *i, const Kernel::Values &inside) {
                          Kernel::Values values = inside;
                          index.push_back(make(LaneIndex{i, 0, 0, nullptr}.within(extents[axis])));
                          nest(extents, index, values, body);
                          index.pop_back();
                          return values;
                        });
}

void LaneBuilder::for_each(std::span<const Dim> extents, const std::function<void(std::span<const Index>)> &body) {
  std::vector<Index> index;
  Kernel::Values nothing;
  nest(extents, index, nothing, [&](std::span<const Index> at, Kernel::Values &) { body(at); });
}

Scalar LaneBuilder::reduce(Reduction kind, std::span<const Dim> extents,
                           const std::function<Scalar(std::span<const Index>)> &body) {
  // The body says the type only once it is emitted: a trial in a block that is thrown away.
  llvm::BasicBlock *here = ir_.GetInsertBlock();
  auto *trial = llvm::BasicBlock::Create(ir_.getContext(), "trial", kernel.function);
  ir_.SetInsertPoint(trial);
  std::vector<Index> zeros(extents.size(), index(0));
  DType type = dtype(body(zeros));
  std::vector<llvm::BasicBlock *> thrown_away;
  for (auto block = trial->getIterator(); block != kernel.function->end(); ++block) thrown_away.push_back(&*block);
  for (llvm::BasicBlock *block : thrown_away) block->dropAllReferences();
  for (llvm::BasicBlock *block : thrown_away) block->eraseFromParent();
  ir_.SetInsertPoint(here);
  if (type == DType::bf16) {
    Scalar result = reduce(kind, extents, [&](std::span<const Index> at) { return widened(body(at)); });
    return narrowed(result);
  }

  std::vector<Index> position;
  if (kind != Reduction::argmax) {
    Kernel::Values carried{identity(kind, type)};
    nest(extents, position, carried, [&](std::span<const Index> at, Kernel::Values &values) {
      values[0] = combine(kind, values[0], spread(value(body(at))));
    });
    return make(carried[0], type);
  }
  // The best so far and its row-major number: 0 unless something is greater than the start.
  Kernel::Values carried{identity(kind, type), identity(Reduction::sum, DType::i32)};
  nest(extents, position, carried, [&](std::span<const Index> at, Kernel::Values &values) {
    llvm::Value *candidate = spread(value(body(at)));
    Index number = index(0);
    for (size_t axis = 0; axis < extents.size(); ++axis) number = add(scale(number, extents[axis]), at[axis]);
    llvm::Value *position_number = spread(value(this->number(number, DType::i32)));
    llvm::Value *better =
        is_float(type) ? ir_.CreateFCmpOGT(candidate, values[0]) : ir_.CreateICmpSGT(candidate, values[0]);
    values[0] = ir_.CreateSelect(better, candidate, values[0]);
    values[1] = ir_.CreateSelect(better, position_number, values[1]);
  });
  return make(carried[1], DType::i32);
}

// The larger and the smaller one are NaN if either is.
llvm::Value *LaneBuilder::combine(Reduction kind, llvm::Value *a, llvm::Value *b) {
  bool floating = a->getType()->isFPOrFPVectorTy();
  if (kind == Reduction::sum) return floating ? ir_.CreateFAdd(a, b) : ir_.CreateAdd(a, b);
  if (kind == Reduction::product) return floating ? ir_.CreateFMul(a, b) : ir_.CreateMul(a, b);
  bool larger = kind == Reduction::maximum;
  if (!floating) return ir_.CreateSelect(larger ? ir_.CreateICmpSGT(a, b) : ir_.CreateICmpSLT(a, b), a, b);
  llvm::Value *chosen = ir_.CreateSelect(larger ? ir_.CreateFCmpOGT(a, b) : ir_.CreateFCmpOLT(a, b), a, b);
  return ir_.CreateSelect(ir_.CreateFCmpUNO(a, a), a, chosen);
}

llvm::Value *LaneBuilder::combine_lanes(Reduction kind, llvm::Value *vector) {
  auto *type = llvm::dyn_cast<llvm::FixedVectorType>(vector->getType());
  if (type == nullptr) return vector;
  for (unsigned half = type->getNumElements() / 2; half > 0; half /= 2) {
    std::vector<int> low, high;
    for (unsigned lane = 0; lane < half; ++lane) {
      low.push_back(static_cast<int>(lane));
      high.push_back(static_cast<int>(lane + half));
    }
    vector = combine(kind, ir_.CreateShuffleVector(vector, low), ir_.CreateShuffleVector(vector, high));
  }
  return ir_.CreateExtractElement(vector, uint64_t{0});
}

llvm::Value *LaneBuilder::identity(Reduction kind, DType type) {
  llvm::Type *element = kernel.register_type(type);
  llvm::Type *full = lanes == 1 ? element : llvm::FixedVectorType::get(element, lanes);
  double number = kind == Reduction::sum       ? 0
                  : kind == Reduction::product ? 1
                  : kind == Reduction::minimum ? INFINITY
                                               : -INFINITY;
  if (element->isFloatingPointTy()) return llvm::ConstantFP::get(full, number);
  unsigned bits = element->getIntegerBitWidth();
  if (number == INFINITY) return llvm::ConstantInt::get(full, llvm::APInt::getSignedMaxValue(bits));
  if (number == -INFINITY) return llvm::ConstantInt::get(full, llvm::APInt::getSignedMinValue(bits));
  return llvm::ConstantInt::getSigned(full, static_cast<int64_t>(number));
}

}  // namespace netc
