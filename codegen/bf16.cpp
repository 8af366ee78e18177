#include "codegen/bf16.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>

namespace netc {

llvm::Value *emit_to_bf16(llvm::IRBuilder<> &ir, const Target &target, llvm::Value *x) {
  llvm::Type *narrow = x->getType()->getWithNewType(ir.getInt16Ty());
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(x->getType());
  if (target.rounds_to_bf16 && vector != nullptr && vector->getNumElements() == 16)
    return ir.CreateBitCast(ir.CreateIntrinsic(llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_512, {}, {x}), narrow);
  llvm::Type *wide = x->getType()->getWithNewType(ir.getInt32Ty());
  auto number = [&](uint32_t n) { return llvm::ConstantInt::get(wide, n); };
  llvm::Value *bits = ir.CreateBitCast(x, wide);
  llvm::Value *odd = ir.CreateAnd(ir.CreateLShr(bits, number(16)), number(1));
  llvm::Value *nearest = ir.CreateAdd(bits, ir.CreateAdd(odd, number(0x7fff)));
  llvm::Value *quiet = ir.CreateOr(bits, number(0x400000));
  bits = ir.CreateSelect(ir.CreateFCmpUNO(x, x), quiet, nearest);
  return ir.CreateTrunc(ir.CreateLShr(bits, number(16)), narrow);
}

llvm::Value *emit_from_bf16(llvm::IRBuilder<> &ir, llvm::Value *x) {
  llvm::Type *wide = x->getType()->getWithNewType(ir.getInt32Ty());
  llvm::Value *bits = ir.CreateShl(ir.CreateZExt(x, wide), llvm::ConstantInt::get(wide, 16));
  return ir.CreateBitCast(bits, x->getType()->getWithNewType(ir.getFloatTy()));
}

llvm::Value *emit_bf16_pair_products(llvm::IRBuilder<> &ir, llvm::Value *x, llvm::Value *y, llvm::Value *sum) {
  constexpr unsigned kLeastLanes = 4;
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(sum->getType());
  unsigned inside = vector == nullptr ? 1 : vector->getNumElements();
  unsigned lanes = std::max(inside, kLeastLanes);
  auto *whole = llvm::FixedVectorType::get(ir.getFloatTy(), lanes);
  auto filled_up = [&](llvm::Value *value) -> llvm::Value * {
    if (inside == lanes) return value;
    llvm::Value *anything = llvm::PoisonValue::get(whole);
    if (vector == nullptr) return ir.CreateInsertElement(anything, value, uint64_t{0});
    return ir.CreateInsertVector(whole, anything, value, ir.getInt64(0));
  };
  auto pairs = [&](llvm::Value *value) {
    return ir.CreateBitCast(filled_up(value), llvm::FixedVectorType::get(ir.getBFloatTy(), 2 * lanes));
  };
  llvm::Intrinsic::ID products = lanes == 16  ? llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512
                                 : lanes == 8 ? llvm::Intrinsic::x86_avx512bf16_dpbf16ps_256
                                              : llvm::Intrinsic::x86_avx512bf16_dpbf16ps_128;
  llvm::Value *result = ir.CreateIntrinsic(products, {}, {filled_up(sum), pairs(x), pairs(y)});
  if (inside == lanes) return result;
  if (vector == nullptr) return ir.CreateExtractElement(result, uint64_t{0});
  return ir.CreateExtractVector(vector, result, ir.getInt64(0));
}

}  // namespace netc
