#include "codegen/vector_math.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/DerivedTypes.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/Module.h>

#include <cmath>

namespace netc {

namespace {

llvm::Type *with_element(llvm::Type *shape, llvm::Type *element) {
  if (auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(shape))
    return llvm::FixedVectorType::get(element, vector->getNumElements());
  return element;
}

constexpr double kRoundingMagic = 12582912.0;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
constexpr double kLog2E = 1.44269504088896341;
constexpr double kLn2High = 0.693359375;  // few bits: its products with small integers are exact
constexpr double kLn2Low = -2.12194440e-4;

}  // namespace

llvm::Value *VectorMath::constant(llvm::Value *like, double value) {
  return llvm::ConstantFP::get(like->getType(), value);
}

llvm::Value *VectorMath::integer(llvm::Value *like, int64_t value) {
  return llvm::ConstantInt::getSigned(bits(like)->getType(), value);
}

llvm::Value *VectorMath::bits(llvm::Value *x) {
  llvm::Type *element = ir_.getIntNTy(x->getType()->getScalarSizeInBits());
  return ir_.CreateBitCast(x, with_element(x->getType(), element));
}

llvm::Value *VectorMath::floats(llvm::Value *integers) {
  llvm::Type *element = integers->getType()->getScalarSizeInBits() == 64 ? ir_.getDoubleTy() : ir_.getFloatTy();
  return ir_.CreateBitCast(integers, with_element(integers->getType(), element));
}

llvm::Value *VectorMath::mul_add(llvm::Value *a, llvm::Value *b, llvm::Value *c) {
  if (target_.has_fma) return ir_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
  return ir_.CreateFAdd(ir_.CreateFMul(a, b), c);
}

llvm::Value *VectorMath::fma(llvm::Value *a, llvm::Value *b, llvm::Value *c) {
  if (target_.has_fma || is_double(a)) return ir_.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
  // The product of two f32 is exact in f64.
  llvm::Type *wide = with_element(a->getType(), ir_.getDoubleTy());
  llvm::Value *product = ir_.CreateFMul(ir_.CreateFPExt(a, wide), ir_.CreateFPExt(b, wide));
  return ir_.CreateFPTrunc(ir_.CreateFAdd(product, ir_.CreateFPExt(c, wide)), a->getType());
}

llvm::Value *VectorMath::polynomial(llvm::Value *x, std::initializer_list<double> coefficients) {
  llvm::Value *sum = nullptr;
  for (double coefficient : coefficients)
    sum = sum == nullptr ? constant(x, coefficient) : mul_add(sum, x, constant(x, coefficient));
  return sum;
}

llvm::Value *VectorMath::intrinsic(unsigned id, llvm::Value *x) {
  return ir_.CreateUnaryIntrinsic(static_cast<llvm::Intrinsic::ID>(id), x);
}
llvm::Value *VectorMath::absolute(llvm::Value *x) { return intrinsic(llvm::Intrinsic::fabs, x); }
llvm::Value *VectorMath::copy_sign(llvm::Value *magnitude, llvm::Value *sign) {
  return ir_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, magnitude, sign);
}

llvm::Value *VectorMath::library(const char *name, llvm::ArrayRef<llvm::Value *> arguments) {
  std::vector<llvm::Type *> types(arguments.size(), ir_.getDoubleTy());
  llvm::Module *module = ir_.GetInsertBlock()->getModule();
  llvm::FunctionCallee callee =
      module->getOrInsertFunction(name, llvm::FunctionType::get(ir_.getDoubleTy(), types, false));
  auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(arguments[0]->getType());
  if (vector == nullptr) return ir_.CreateCall(callee, arguments);
  llvm::Value *result = llvm::PoisonValue::get(vector);
  for (unsigned lane = 0; lane < vector->getNumElements(); ++lane) {
    std::vector<llvm::Value *> numbers;
    for (llvm::Value *argument : arguments) numbers.push_back(ir_.CreateExtractElement(argument, lane));
    result = ir_.CreateInsertElement(result, ir_.CreateCall(callee, numbers), lane);
  }
  return result;
}

std::pair<llvm::Value *, llvm::Value *> VectorMath::round_to_integer(llvm::Value *x) {
  llvm::Value *shifted = ir_.CreateFAdd(x, constant(x, kRoundingMagic));
  int64_t magic_bits = 0x4B400000;
  return {ir_.CreateFSub(shifted, constant(x, kRoundingMagic)), ir_.CreateSub(bits(shifted), integer(x, magic_bits))};
}

// 2^n for an integer n in [-126, 127].
llvm::Value *VectorMath::power_of_two(llvm::Value *n, llvm::Value *like) {
  return floats(ir_.CreateShl(ir_.CreateAdd(n, integer(like, 127)), integer(like, 23)));
}

llvm::Value *VectorMath::exp(llvm::Value *x) {
  if (is_double(x)) return library("exp", {x});
  llvm::Value *high = ir_.CreateSelect(ir_.CreateFCmpOGT(x, constant(x, 89.0)), constant(x, 89.0), x);
  llvm::Value *clamped = ir_.CreateSelect(ir_.CreateFCmpOLT(high, constant(x, -104.0)), constant(x, -104.0), high);
  auto [n, n_bits] = round_to_integer(ir_.CreateFMul(clamped, constant(x, kLog2E)));
  llvm::Value *r = mul_add(n, constant(x, -kLn2Low), mul_add(n, constant(x, -kLn2High), clamped));
  llvm::Value *p = polynomial(
      r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  p = ir_.CreateFAdd(mul_add(p, ir_.CreateFMul(r, r), r), constant(x, 1.0));
  // In two steps, so that 2^128 overflows and 2^-150 rounds to a denormal or zero.
  llvm::Value *half = ir_.CreateAShr(n_bits, integer(x, 1));
  llvm::Value *rest = ir_.CreateSub(n_bits, half);
  return ir_.CreateFMul(ir_.CreateFMul(p, power_of_two(half, x)), power_of_two(rest, x));
}

llvm::Value *VectorMath::expm1(llvm::Value *x) {
  if (is_double(x)) return library("expm1", {x});
  llvm::Value *high = ir_.CreateSelect(ir_.CreateFCmpOGT(x, constant(x, 89.0)), constant(x, 89.0), x);
  llvm::Value *clamped = ir_.CreateSelect(ir_.CreateFCmpOLT(high, constant(x, -30.0)), constant(x, -30.0), high);
  auto [n, n_bits] = round_to_integer(ir_.CreateFMul(clamped, constant(x, kLog2E)));
  llvm::Value *r = mul_add(n, constant(x, -kLn2Low), mul_add(n, constant(x, -kLn2High), clamped));
  llvm::Value *p = polynomial(
      r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  p = mul_add(p, ir_.CreateFMul(r, r), r);  // exp(r) - 1
  // 2^n (p + 1) - 1 = 2 (2^(n-1) p + (2^(n-1) - 1/2)): n may be 128.
  llvm::Value *scale = power_of_two(ir_.CreateSub(n_bits, integer(x, 1)), x);
  llvm::Value *sum = mul_add(scale, p, ir_.CreateFSub(scale, constant(x, 0.5)));
  llvm::Value *result = ir_.CreateFMul(sum, constant(x, 2.0));
  // Without the scaling the smallest numbers come out as they are.
  return ir_.CreateSelect(ir_.CreateICmpEQ(n_bits, integer(x, 0)), p, result);
}

llvm::Value *VectorMath::log(llvm::Value *x) {
  if (is_double(x)) return library("log", {x});
  llvm::Value *tiny = ir_.CreateFCmpOLT(x, constant(x, 0x1p-126));
  llvm::Value *normal = ir_.CreateSelect(tiny, ir_.CreateFMul(x, constant(x, 0x1p23)), x);
  llvm::Value *offset = ir_.CreateSelect(tiny, constant(x, -23.0), constant(x, 0.0));
  // x = 2^e m with m in [sqrt(1/2), sqrt(2))
  llvm::Value *pattern = bits(normal);
  llvm::Value *e_bits = ir_.CreateAShr(ir_.CreateSub(pattern, integer(x, 0x3F3504F3)), integer(x, 23));
  llvm::Value *m = floats(ir_.CreateSub(pattern, ir_.CreateShl(e_bits, integer(x, 23))));
  llvm::Value *e = ir_.CreateFAdd(ir_.CreateSIToFP(e_bits, x->getType()), offset);
  llvm::Value *f = ir_.CreateFSub(m, constant(x, 1.0));
  llvm::Value *square = ir_.CreateFMul(f, f);
  llvm::Value *p = polynomial(f, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                                  -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
  llvm::Value *y = ir_.CreateFMul(ir_.CreateFMul(p, f), square);
  y = mul_add(e, constant(x, kLn2Low), y);
  y = mul_add(square, constant(x, -0.5), y);
  llvm::Value *result = mul_add(e, constant(x, kLn2High), ir_.CreateFAdd(f, y));
  const double infinity = INFINITY;
  // NaN and +infinity as they come, zero to -infinity, less than zero to NaN.
  result = ir_.CreateSelect(ir_.CreateFCmpULT(x, constant(x, infinity)), result, x);
  result = ir_.CreateSelect(ir_.CreateFCmpOEQ(x, constant(x, 0.0)), constant(x, -infinity), result);
  result = ir_.CreateSelect(ir_.CreateFCmpOLT(x, constant(x, 0.0)), constant(x, NAN), result);
  return ir_.CreateSelect(ir_.CreateFCmpUNO(x, x), x, result);
}

llvm::Value *VectorMath::log1p(llvm::Value *x) {
  if (is_double(x)) return library("log1p", {x});
  llvm::Value *u = ir_.CreateFAdd(x, constant(x, 1.0));
  // What 1 + x lost in rounding, relative to u.
  llvm::Value *lost = ir_.CreateFDiv(ir_.CreateFSub(x, ir_.CreateFSub(u, constant(x, 1.0))), u);
  llvm::Value *log_u = log(u);
  llvm::Value *usable =
      ir_.CreateAnd(ir_.CreateFCmpOGT(u, constant(x, 0.0)), ir_.CreateFCmpOLT(u, constant(x, INFINITY)));
  llvm::Value *result = ir_.CreateSelect(usable, ir_.CreateFAdd(log_u, lost), log_u);
  return ir_.CreateSelect(ir_.CreateFCmpOEQ(u, constant(x, 1.0)), x, result);
}

llvm::Value *VectorMath::tanh(llvm::Value *x) {
  if (is_double(x)) return library("tanh", {x});
  llvm::Value *a = absolute(x);
  llvm::Value *z = ir_.CreateFMul(x, x);
  llvm::Value *p =
      polynomial(z, {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1});
  llvm::Value *small = mul_add(ir_.CreateFMul(p, z), x, x);
  llvm::Value *e = exp(ir_.CreateFAdd(a, a));
  llvm::Value *large =
      ir_.CreateFSub(constant(x, 1.0), ir_.CreateFDiv(constant(x, 2.0), ir_.CreateFAdd(e, constant(x, 1.0))));
  return ir_.CreateSelect(ir_.CreateFCmpOLT(a, constant(x, 0.625)), small, copy_sign(large, x));
}

llvm::Value *VectorMath::sigmoid(llvm::Value *x) {
  llvm::Value *e = exp(ir_.CreateFNeg(absolute(x)));
  llvm::Value *one = constant(x, 1.0);
  llvm::Value *above = ir_.CreateFCmpOGE(x, constant(x, 0.0));
  return ir_.CreateFDiv(ir_.CreateSelect(above, one, e), ir_.CreateFAdd(e, one));
}

llvm::Value *VectorMath::erf(llvm::Value *x) {
  if (is_double(x)) return library("erf", {x});
  llvm::Value *t = absolute(x);
  llvm::Value *s = ir_.CreateFMul(x, x);
  llvm::Value *r = mul_add(constant(x, -1.72853470e-5), t, constant(x, 3.83197126e-4));
  llvm::Value *u = mul_add(constant(x, -3.88396438e-3), t, constant(x, 2.42546219e-2));
  r = mul_add(r, s, u);
  r = mul_add(r, t, constant(x, -1.06777877e-1));
  r = mul_add(r, t, constant(x, -6.34846687e-1));
  r = mul_add(r, t, constant(x, -1.28717512e-1));
  r = mul_add(r, t, ir_.CreateFNeg(t));
  llvm::Value *large = copy_sign(ir_.CreateFSub(constant(x, 1.0), exp(r)), x);
  llvm::Value *p =
      polynomial(s, {-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1});
  llvm::Value *small = mul_add(p, x, x);
  // Beyond 4 the result is 1 in f32; the polynomial would meet infinity minus infinity.
  large = ir_.CreateSelect(ir_.CreateFCmpOGT(t, constant(x, 4.0)), copy_sign(constant(x, 1.0), x), large);
  return ir_.CreateSelect(ir_.CreateFCmpOGT(t, constant(x, 0.927734375)), large, small);
}

llvm::Value *VectorMath::erf_inv(llvm::Value *x) {
  if (is_double(x)) {
    // The f32 value, then Newton's method on erf(y) = x with the C library's erf.
    llvm::Value *narrow = ir_.CreateFPTrunc(x, with_element(x->getType(), ir_.getFloatTy()));
    llvm::Value *y = ir_.CreateFPExt(erf_inv(narrow), x->getType());
    for (int step = 0; step < 2; ++step) {
      llvm::Value *slope =
          ir_.CreateFMul(exp(ir_.CreateFNeg(ir_.CreateFMul(y, y))), constant(x, 2.0 / std::sqrt(M_PI)));
      llvm::Value *better = ir_.CreateFSub(y, ir_.CreateFDiv(ir_.CreateFSub(erf(y), x), slope));
      y = ir_.CreateSelect(ir_.CreateFCmpOLT(absolute(y), constant(x, INFINITY)), better, y);
    }
    return y;
  }
  llvm::Value *one = constant(x, 1.0);
  llvm::Value *w = ir_.CreateFNeg(log(ir_.CreateFMul(ir_.CreateFSub(one, x), ir_.CreateFAdd(one, x))));
  llvm::Value *central = polynomial(ir_.CreateFSub(w, constant(x, 2.5)),
                                    {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                                     -0.00125372503, -0.00417768164, 0.246640727, 1.50140941});
  llvm::Value *tail = polynomial(ir_.CreateFSub(intrinsic(llvm::Intrinsic::sqrt, w), constant(x, 3.0)),
                                 {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                                  -0.0076224613, 0.00943887047, 1.00167406, 2.83297682});
  llvm::Value *result = ir_.CreateFMul(ir_.CreateSelect(ir_.CreateFCmpOLT(w, constant(x, 5.0)), central, tail), x);
  llvm::Value *edge = ir_.CreateFCmpOEQ(absolute(x), one);
  return ir_.CreateSelect(edge, copy_sign(constant(x, INFINITY), x), result);
}

// sin(x + quarter_turns * pi / 2). The argument is reduced in f64, which keeps the error small up to about 2^28.
llvm::Value *VectorMath::sine(llvm::Value *x, int64_t quarter_turns) {
  llvm::Type *wide_type = with_element(x->getType(), ir_.getDoubleTy());
  llvm::Value *wide = ir_.CreateFPExt(x, wide_type);
  llvm::Value *magic = constant(wide, 0x1.8p52);
  llvm::Value *shifted = ir_.CreateFAdd(ir_.CreateFMul(wide, constant(wide, 2.0 / M_PI)), magic);
  llvm::Value *turns = ir_.CreateFSub(shifted, magic);
  llvm::Value *reduced = ir_.CreateFSub(wide, ir_.CreateFMul(turns, constant(wide, 1.57079632673412561417)));
  reduced = ir_.CreateFSub(reduced, ir_.CreateFMul(turns, constant(wide, 6.07710050650619224932e-11)));
  llvm::Value *r = ir_.CreateFPTrunc(reduced, x->getType());
  llvm::Value *quadrant = ir_.CreateAdd(ir_.CreateTrunc(bits(shifted), bits(x)->getType()), integer(x, quarter_turns));
  llvm::Value *z = ir_.CreateFMul(r, r);
  llvm::Value *sine =
      mul_add(ir_.CreateFMul(polynomial(z, {-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1}), z), r, r);
  llvm::Value *cosine = polynomial(z, {2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2});
  cosine = mul_add(ir_.CreateFMul(cosine, z), z, mul_add(z, constant(x, -0.5), constant(x, 1.0)));
  llvm::Value *odd = ir_.CreateICmpNE(ir_.CreateAnd(quadrant, integer(x, 1)), integer(x, 0));
  llvm::Value *value = ir_.CreateSelect(odd, cosine, sine);
  llvm::Value *negative = ir_.CreateICmpNE(ir_.CreateAnd(quadrant, integer(x, 2)), integer(x, 0));
  value = ir_.CreateSelect(negative, ir_.CreateFNeg(value), value);
  return ir_.CreateSelect(ir_.CreateFCmpOLT(absolute(x), constant(x, INFINITY)), value, constant(x, NAN));
}

llvm::Value *VectorMath::sin(llvm::Value *x) { return is_double(x) ? library("sin", {x}) : sine(x, 0); }
llvm::Value *VectorMath::cos(llvm::Value *x) { return is_double(x) ? library("cos", {x}) : sine(x, 1); }

// exp(y * log(|x|)) in f64, whose error f32 does not see; then the sign and the exceptions of IEEE 754 pow.
llvm::Value *VectorMath::power(llvm::Value *x, llvm::Value *y) {
  if (is_double(x)) return library("pow", {x, y});
  llvm::Type *wide_type = with_element(x->getType(), ir_.getDoubleTy());
  llvm::Value *a = ir_.CreateFPExt(absolute(x), wide_type);
  // log: a = 2^e m, m in [sqrt(1/2), sqrt(2)); s = (m - 1) / (m + 1); log(m) = 2 atanh(s). Denormals of f32 are normal
  // here.
  llvm::Value *pattern = bits(a);
  llvm::Value *e_bits = ir_.CreateAShr(ir_.CreateSub(pattern, integer(a, 0x3FE6A09E667F3BCD)), integer(a, 52));
  llvm::Value *m = floats(ir_.CreateSub(pattern, ir_.CreateShl(e_bits, integer(a, 52))));
  llvm::Type *narrow_integer = with_element(x->getType(), ir_.getInt32Ty());
  llvm::Value *e = ir_.CreateSIToFP(ir_.CreateTrunc(e_bits, narrow_integer), wide_type);
  llvm::Value *s = ir_.CreateFDiv(ir_.CreateFSub(m, constant(a, 1.0)), ir_.CreateFAdd(m, constant(a, 1.0)));
  llvm::Value *z = ir_.CreateFMul(s, s);
  llvm::Value *series =
      polynomial(z, {2.0 / 17, 2.0 / 15, 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3, 2.0});
  llvm::Value *log_a = mul_add(e, constant(a, M_LN2), ir_.CreateFMul(series, s));
  log_a = ir_.CreateSelect(ir_.CreateFCmpOEQ(a, constant(a, 0.0)), constant(a, -INFINITY), log_a);
  log_a = ir_.CreateSelect(ir_.CreateFCmpOEQ(a, constant(a, INFINITY)), constant(a, INFINITY), log_a);
  llvm::Value *t = ir_.CreateFMul(ir_.CreateFPExt(y, wide_type), log_a);
  llvm::Value *high = ir_.CreateSelect(ir_.CreateFCmpOGT(t, constant(t, 200.0)), constant(t, 200.0), t);
  t = ir_.CreateSelect(ir_.CreateFCmpOLT(high, constant(t, -200.0)), constant(t, -200.0), high);
  // exp: 2^n exp(r)
  llvm::Value *magic = constant(t, 0x1.8p52);
  llvm::Value *shifted = ir_.CreateFAdd(ir_.CreateFMul(t, constant(t, kLog2E)), magic);
  llvm::Value *n = ir_.CreateFSub(shifted, magic);
  llvm::Value *r = mul_add(n, constant(t, -M_LN2), t);
  llvm::Value *p = polynomial(r, {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24,
                                  1.0 / 6, 0.5, 1.0, 1.0});
  llvm::Value *exponent = ir_.CreateShl(ir_.CreateAdd(bits(shifted), integer(t, 1023)), integer(t, 52));
  llvm::Value *magnitude = ir_.CreateFPTrunc(ir_.CreateFMul(p, floats(exponent)), x->getType());

  llvm::Value *whole = ir_.CreateFCmpOEQ(intrinsic(llvm::Intrinsic::floor, y), y);
  llvm::Value *half = ir_.CreateFMul(y, constant(y, 0.5));
  llvm::Value *odd = ir_.CreateAnd(whole, ir_.CreateFCmpONE(intrinsic(llvm::Intrinsic::floor, half), half));
  llvm::Value *negative = ir_.CreateICmpSLT(bits(x), integer(x, 0));
  llvm::Value *result = ir_.CreateSelect(ir_.CreateAnd(negative, odd), ir_.CreateFNeg(magnitude), magnitude);
  llvm::Value *zero = constant(x, 0.0), *one = constant(x, 1.0);
  llvm::Value *finite = ir_.CreateFCmpOGT(x, constant(x, -INFINITY));
  llvm::Value *undefined = ir_.CreateAnd(ir_.CreateAnd(ir_.CreateFCmpOLT(x, zero), finite), ir_.CreateNot(whole));
  result = ir_.CreateSelect(undefined, constant(x, NAN), result);
  // The exponent and the mantissa of a NaN are numbers like others.
  llvm::Value *sum = ir_.CreateFAdd(x, y);
  result = ir_.CreateSelect(ir_.CreateFCmpUNO(x, y), sum, result);
  llvm::Value *minus_one =
      ir_.CreateAnd(ir_.CreateFCmpOEQ(x, constant(x, -1.0)), ir_.CreateFCmpOEQ(absolute(y), constant(y, INFINITY)));
  llvm::Value *always_one = ir_.CreateOr(ir_.CreateFCmpOEQ(y, zero), ir_.CreateFCmpOEQ(x, one));
  return ir_.CreateSelect(ir_.CreateOr(always_one, minus_one), one, result);
}

}  // namespace netc
