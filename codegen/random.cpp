// Philox4x32-10 (ir/philox.h) on vectors: every lane is one element, 32-bit words live in 64-bit lanes so that a
// product is one multiplication.
#include <llvm/IR/Constants.h>

#include "codegen/lane_builder.h"

namespace netc {

namespace {

llvm::Value *spread(llvm::IRBuilder<> &ir, llvm::Type *type, llvm::Value *scalar) {
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  return vector == nullptr ? scalar : ir.CreateVectorSplat(vector->getNumElements(), scalar);
}

}  // namespace

PhiloxWords emit_philox(Kernel &kernel, uint64_t stream, llvm::Value *counters) {
  llvm::IRBuilder<> &ir = kernel.ir;
  llvm::Type *type = counters->getType();
  auto number = [&](uint64_t n) { return llvm::ConstantInt::get(type, n); };
  llvm::Value *low = number(0xFFFFFFFF);
  // The mask tells instruction selection that a product of 32 bits will do; no instruction comes of it.
  auto product = [&](llvm::Value *word, uint64_t factor) {
    return ir.CreateMul(ir.CreateAnd(word, low), number(factor));
  };
  PhiloxWords c = {ir.CreateAnd(counters, low), ir.CreateLShr(counters, number(32)),
                   number(static_cast<uint32_t>(stream)),
                   spread(ir, type, ir.CreateAnd(kernel.step(), ir.getInt64(0xFFFFFFFF)))};
  llvm::Value *key0 = ir.CreateAnd(kernel.seed(), ir.getInt64(0xFFFFFFFF));
  llvm::Value *key1 = ir.CreateLShr(kernel.seed(), 32);
  for (int round = 0; round < 10; ++round) {
    llvm::Value *a = product(c[0], 0xD2511F53), *b = product(c[2], 0xCD9E8D57);
    llvm::Value *next0 = ir.CreateXor(ir.CreateXor(ir.CreateLShr(b, number(32)), c[1]), spread(ir, type, key0));
    llvm::Value *next2 = ir.CreateXor(ir.CreateXor(ir.CreateLShr(a, number(32)), c[3]), spread(ir, type, key1));
    c = {next0, ir.CreateAnd(b, low), next2, ir.CreateAnd(a, low)};
    key0 = ir.CreateAnd(ir.CreateAdd(key0, ir.getInt64(0x9E3779B9)), ir.getInt64(0xFFFFFFFF));
    key1 = ir.CreateAnd(ir.CreateAdd(key1, ir.getInt64(0xBB67AE85)), ir.getInt64(0xFFFFFFFF));
  }
  return c;
}

// The 24 high bits are exact in f32.
llvm::Value *emit_uniform(Kernel &kernel, llvm::Value *word) {
  llvm::IRBuilder<> &ir = kernel.ir;
  llvm::Type *type = word->getType();
  llvm::Value *bits =
      ir.CreateTrunc(ir.CreateLShr(word, llvm::ConstantInt::get(type, 8)), type->getWithNewType(ir.getInt32Ty()));
  llvm::Value *uniform = ir.CreateSIToFP(bits, type->getWithNewType(ir.getFloatTy()));
  return ir.CreateFMul(uniform, llvm::ConstantFP::get(uniform->getType(), 0x1p-24));
}

llvm::Value *emit_philox_uniform(Kernel &kernel, uint64_t stream, llvm::Value *elements) {
  llvm::IRBuilder<> &ir = kernel.ir;
  auto number = [&](uint64_t n) { return llvm::ConstantInt::get(elements->getType(), n); };
  llvm::Value *counters =
      ir.CreateOr(ir.CreateShl(ir.CreateLShr(elements, number(6)), number(4)), ir.CreateAnd(elements, number(15)));
  PhiloxWords c = emit_philox(kernel, stream, counters);
  llvm::Value *word_number = ir.CreateAnd(ir.CreateLShr(elements, number(4)), number(3));
  llvm::Value *odd = ir.CreateICmpNE(ir.CreateAnd(word_number, number(1)), number(0));
  llvm::Value *upper = ir.CreateICmpUGE(word_number, number(2));
  llvm::Value *word = ir.CreateSelect(upper, ir.CreateSelect(odd, c[3], c[2]), ir.CreateSelect(odd, c[1], c[0]));
  return emit_uniform(kernel, word);
}

}  // namespace netc
