// LaneBuilder: the arithmetic of scalars and vectors of lanes. Places and loops: lane_places.cpp, lane_loops.cpp.
#include "codegen/lane_builder.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>

#include "codegen/bf16.h"

namespace netc {

LaneBuilder::LaneBuilder(Kernel &owner, unsigned lane_count, llvm::Value *active)
    : kernel(owner), lanes(lane_count), mask(active), ir_(owner.ir), math_(owner.ir, owner.target) {}

Scalar LaneBuilder::make(llvm::Value *value, DType dtype) {
  scalars_.push_back({value, dtype});
  return {static_cast<uint32_t>(scalars_.size() - 1)};
}

Index LaneBuilder::make(LaneIndex index) {
  indices_.push_back(index);
  return {static_cast<uint32_t>(indices_.size() - 1)};
}

llvm::Value *LaneBuilder::spread(llvm::Value *value) {
  if (lanes == 1 || value->getType()->isVectorTy()) return value;
  return ir_.CreateVectorSplat(lanes, value);
}

std::pair<llvm::Value *, llvm::Value *> LaneBuilder::same_shape(llvm::Value *a, llvm::Value *b) {
  if (a->getType()->isVectorTy() == b->getType()->isVectorTy()) return {a, b};
  return {spread(a), spread(b)};
}

Scalar LaneBuilder::constant(DType dtype, double value) {
  llvm::Type *type = kernel.register_type(dtype);
  if (dtype == DType::bf16) return make(llvm::ConstantInt::get(type, bf16_bits(value)), dtype);
  if (type->isFloatingPointTy()) return make(llvm::ConstantFP::get(type, value), dtype);
  return make(llvm::ConstantInt::getSigned(type, static_cast<int64_t>(value)), dtype);
}

// bf16 is computed with in f32.
Scalar LaneBuilder::widened(Scalar operand) {
  return dtype(operand) == DType::bf16 ? cast(operand, DType::f32) : operand;
}

Scalar LaneBuilder::narrowed(Scalar result) { return dtype(result) == DType::f32 ? cast(result, DType::bf16) : result; }

Scalar LaneBuilder::unary(Unary op, Scalar operand) {
  llvm::Value *x = value(operand);
  DType type = dtype(operand);
  if (type == DType::bf16) return narrowed(unary(op, widened(operand)));
  bool floating = is_float(type);
  auto intrinsic = [&](llvm::Intrinsic::ID id) { return make(ir_.CreateUnaryIntrinsic(id, x), type); };
  auto zero = [&] { return llvm::Constant::getNullValue(x->getType()); };
  switch (op) {
    case Unary::negative:
      return make(floating ? ir_.CreateFNeg(x) : ir_.CreateNeg(x), type);
    case Unary::absolute:
      if (!floating) return make(ir_.CreateSelect(ir_.CreateICmpSLT(x, zero()), ir_.CreateNeg(x), x), type);
      return intrinsic(llvm::Intrinsic::fabs);
    case Unary::sign: {
      if (!floating) {
        llvm::Value *above = ir_.CreateZExt(ir_.CreateICmpSGT(x, zero()), x->getType());
        return make(ir_.CreateSub(above, ir_.CreateZExt(ir_.CreateICmpSLT(x, zero()), x->getType())), type);
      }
      llvm::Value *one = math_.constant(x, 1.0);
      llvm::Value *below =
          ir_.CreateSelect(ir_.CreateFCmpOLT(x, zero()), ir_.CreateFNeg(one), x);  // zeros and NaN as they are
      return make(ir_.CreateSelect(ir_.CreateFCmpOGT(x, zero()), one, below), type);
    }
    case Unary::exp:
      return make(math_.exp(x), type);
    case Unary::expm1:
      return make(math_.expm1(x), type);
    case Unary::log:
      return make(math_.log(x), type);
    case Unary::log1p:
      return make(math_.log1p(x), type);
    case Unary::sqrt:
      return intrinsic(llvm::Intrinsic::sqrt);
    case Unary::rsqrt:
      return make(ir_.CreateFDiv(math_.constant(x, 1.0), ir_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x)), type);
    case Unary::reciprocal:
      return make(ir_.CreateFDiv(math_.constant(x, 1.0), x), type);
    case Unary::sin:
      return make(math_.sin(x), type);
    case Unary::cos:
      return make(math_.cos(x), type);
    case Unary::tanh:
      return make(math_.tanh(x), type);
    case Unary::sigmoid:
      return make(math_.sigmoid(x), type);
    case Unary::erf:
      return make(math_.erf(x), type);
    case Unary::erf_inv:
      return make(math_.erf_inv(x), type);
    case Unary::floor:
      return floating ? intrinsic(llvm::Intrinsic::floor) : operand;
    case Unary::ceil:
      return floating ? intrinsic(llvm::Intrinsic::ceil) : operand;
    case Unary::round:
      return floating ? intrinsic(llvm::Intrinsic::roundeven) : operand;
    case Unary::is_nan:
      return make(floating ? ir_.CreateFCmpUNO(x, x) : ir_.CreateICmpNE(x, x), DType::boolean);
    case Unary::logical_not:
      return make(ir_.CreateNot(x), DType::boolean);
  }
  return operand;
}

Scalar LaneBuilder::binary(Binary op, Scalar left, Scalar right) {
  if (dtype(left) == DType::bf16) return narrowed(binary(op, widened(left), widened(right)));
  auto [a, b] = same_shape(value(left), value(right));
  DType type = dtype(left);
  bool floating = is_float(type);
  bool boolean = type == DType::boolean;
  auto compare = [&](llvm::CmpInst::Predicate on_floats, llvm::CmpInst::Predicate on_integers) {
    return floating ? ir_.CreateFCmp(on_floats, a, b) : ir_.CreateICmp(on_integers, a, b);
  };
  using P = llvm::CmpInst;
  switch (op) {
    case Binary::add:
      return make(floating ? ir_.CreateFAdd(a, b) : ir_.CreateAdd(a, b), type);
    case Binary::subtract:
      return make(floating ? ir_.CreateFSub(a, b) : ir_.CreateSub(a, b), type);
    case Binary::multiply:
      return make(floating ? ir_.CreateFMul(a, b) : ir_.CreateMul(a, b), type);
    case Binary::divide:
    case Binary::remainder: {
      if (floating) return make(op == Binary::divide ? ir_.CreateFDiv(a, b) : ir_.CreateFRem(a, b), type);
      // An integer division by zero gives zero instead of a trap; -1 is negation, so that the least number does not
      // trap.
      llvm::Value *zero = llvm::ConstantInt::get(a->getType(), 0), *one = llvm::ConstantInt::get(a->getType(), 1);
      llvm::Value *by_zero = ir_.CreateICmpEQ(b, zero);
      llvm::Value *by_minus_one = ir_.CreateICmpEQ(b, llvm::ConstantInt::getSigned(a->getType(), -1));
      llvm::Value *divisor = ir_.CreateSelect(ir_.CreateOr(by_zero, by_minus_one), one, b);
      if (op == Binary::divide) {
        llvm::Value *quotient = ir_.CreateSelect(by_minus_one, ir_.CreateNeg(a), ir_.CreateSDiv(a, divisor));
        return make(ir_.CreateSelect(by_zero, zero, quotient), type);
      }
      return make(ir_.CreateSRem(a, divisor), type);
    }
    case Binary::power:
      return make(math_.power(a, b), type);
    case Binary::maximum:
      return make(combine(Reduction::maximum, a, b), type);
    case Binary::minimum:
      return make(combine(Reduction::minimum, a, b), type);
    case Binary::equal:
      return make(compare(P::FCMP_OEQ, P::ICMP_EQ), DType::boolean);
    case Binary::not_equal:
      return make(compare(P::FCMP_UNE, P::ICMP_NE), DType::boolean);
    case Binary::less:
      return make(compare(P::FCMP_OLT, boolean ? P::ICMP_ULT : P::ICMP_SLT), DType::boolean);
    case Binary::less_equal:
      return make(compare(P::FCMP_OLE, boolean ? P::ICMP_ULE : P::ICMP_SLE), DType::boolean);
    case Binary::greater:
      return make(compare(P::FCMP_OGT, boolean ? P::ICMP_UGT : P::ICMP_SGT), DType::boolean);
    case Binary::greater_equal:
      return make(compare(P::FCMP_OGE, boolean ? P::ICMP_UGE : P::ICMP_SGE), DType::boolean);
    case Binary::logical_and:
      return make(ir_.CreateAnd(a, b), DType::boolean);
    case Binary::logical_or:
      return make(ir_.CreateOr(a, b), DType::boolean);
  }
  return left;
}

Scalar LaneBuilder::fma(Scalar a, Scalar b, Scalar c) {
  if (dtype(a) == DType::bf16) return narrowed(fma(widened(a), widened(b), widened(c)));
  auto [x, y] = same_shape(value(a), value(b));
  auto [product_like, z] = same_shape(x, value(c));
  return make(math_.fma(product_like, same_shape(y, z).first, z), dtype(a));
}

Scalar LaneBuilder::select(Scalar condition, Scalar yes, Scalar no) {
  auto [y, n] = same_shape(value(yes), value(no));
  llvm::Value *c = value(condition);
  if (c->getType()->isVectorTy()) {
    y = spread(y);
    n = spread(n);
  }
  return make(ir_.CreateSelect(c, y, n), dtype(yes));
}

Scalar LaneBuilder::cast(Scalar operand, DType to) {
  llvm::Value *x = value(operand);
  DType from = dtype(operand);
  if (from == to) return operand;
  if (from == DType::bf16) return cast(make(emit_from_bf16(ir_, x), DType::f32), to);
  if (to == DType::bf16) return make(emit_to_bf16(ir_, kernel.target, value(cast(operand, DType::f32))), to);
  llvm::Type *type = x->getType()->getWithNewType(kernel.register_type(to));
  if (to == DType::boolean) {
    llvm::Value *zero = llvm::Constant::getNullValue(x->getType());
    return make(is_float(from) ? ir_.CreateFCmpUNE(x, zero) : ir_.CreateICmpNE(x, zero), to);
  }
  if (from == DType::boolean) return make(is_float(to) ? ir_.CreateUIToFP(x, type) : ir_.CreateZExt(x, type), to);
  if (is_float(from) && is_float(to)) return make(ir_.CreateFPCast(x, type), to);
  if (is_float(from)) return make(ir_.CreateIntrinsic(llvm::Intrinsic::fptosi_sat, {type, x->getType()}, {x}), to);
  if (is_float(to)) return make(ir_.CreateSIToFP(x, type), to);
  return make(ir_.CreateSExtOrTrunc(x, type), to);
}

Scalar LaneBuilder::random_uniform(uint64_t stream, Index element) {
  const LaneIndex &first = at(element);
  if (random_block != nullptr && first.lane_step == 1 && first.lanes == nullptr && first.multiple % kRandomBlock == 0) {
    int64_t counter = first.constant % 16;
    auto [words, is_new] = random_block->words.try_emplace({stream, counter});
    llvm::Value *block = first.base == nullptr ? ir_.getInt64(0) : ir_.CreateLShr(first.base, 2);
    if (is_new) words->second = emit_philox(kernel, stream, lane_values({block, counter, 1, nullptr}));
    return make(emit_uniform(kernel, words->second[static_cast<size_t>(first.constant / 16)]), DType::f32);
  }
  return make(emit_philox_uniform(kernel, stream, lane_values(at(element))), DType::f32);
}

}  // namespace netc
