// Elementary functions as straight-line LLVM IR, for a number or a vector of them.
//
// f32: own polynomials, within 4 units in the last place of the exact result over the whole range (test/unit/codegen/
// vector_math.cpp measures it), exact at infinities, NaN and zeros. f64 calls the C library lane by lane: only the
// gradient check uses it. Sources of the polynomials: Cephes (Moshier), N. Juffa's erff, M. Giles "Approximating the
// erfinv function" (2010).
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <initializer_list>

#include "codegen/target.h"

namespace netc {

class VectorMath {
 public:
  VectorMath(llvm::IRBuilder<> &ir, const Target &target) : ir_(ir), target_(target) {}

  llvm::Value *exp(llvm::Value *x);
  llvm::Value *expm1(llvm::Value *x);
  llvm::Value *log(llvm::Value *x);
  llvm::Value *log1p(llvm::Value *x);
  llvm::Value *tanh(llvm::Value *x);
  llvm::Value *sigmoid(llvm::Value *x);
  llvm::Value *erf(llvm::Value *x);
  llvm::Value *erf_inv(llvm::Value *x);
  llvm::Value *sin(llvm::Value *x);
  llvm::Value *cos(llvm::Value *x);
  llvm::Value *power(llvm::Value *x, llvm::Value *y);
  // a * b + c rounded once, on every machine.
  llvm::Value *fma(llvm::Value *a, llvm::Value *b, llvm::Value *c);

  // `value` in the shape (number or vector) and type of `like`.
  llvm::Value *constant(llvm::Value *like, double value);

 private:
  llvm::Value *mul_add(llvm::Value *a, llvm::Value *b, llvm::Value *c);  // fused where that is one instruction
  llvm::Value *polynomial(llvm::Value *x, std::initializer_list<double> coefficients);  // highest power first
  llvm::Value *intrinsic(unsigned id, llvm::Value *x);
  llvm::Value *absolute(llvm::Value *x);
  llvm::Value *copy_sign(llvm::Value *magnitude, llvm::Value *sign);
  llvm::Value *library(const char *name, llvm::ArrayRef<llvm::Value *> arguments);  // f64, lane by lane
  llvm::Value *bits(llvm::Value *x);                                                // as integers of the same width
  llvm::Value *floats(llvm::Value *integers);                                       // back
  llvm::Value *integer(llvm::Value *like, int64_t value);
  llvm::Value *power_of_two(llvm::Value *exponent_bits, llvm::Value *like);
  std::pair<llvm::Value *, llvm::Value *> round_to_integer(llvm::Value *x);  // as a float, and its low integer bits
  llvm::Value *sine(llvm::Value *x, int64_t quarter_turns);
  bool is_double(llvm::Value *x) const { return x->getType()->getScalarType()->isDoubleTy(); }

  llvm::IRBuilder<> &ir_;
  const Target &target_;
};

}  // namespace netc
