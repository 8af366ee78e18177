#include "codegen/lane_builder.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Intrinsics.h>

#include <cmath>
#include <numeric>

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

// ---- numbers

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

// ---- places

llvm::Value *LaneBuilder::scalar_part(const LaneIndex &index) {
  llvm::Value *constant = kernel.i64(index.constant);
  return index.base == nullptr ? constant : index.constant == 0 ? index.base : ir_.CreateNSWAdd(index.base, constant);
}

llvm::Value *LaneBuilder::lane_values(const LaneIndex &index) {
  llvm::Value *start = scalar_part(index);
  if (lanes == 1 || (index.lane_step == 0 && index.lanes == nullptr)) return start;
  llvm::Value *values = spread(start);
  if (index.lane_step != 0) {
    std::vector<llvm::Constant *> steps;
    for (unsigned lane = 0; lane < lanes; ++lane)
      steps.push_back(ir_.getInt64(static_cast<uint64_t>(lane * index.lane_step)));
    values = ir_.CreateAdd(values, llvm::ConstantVector::get(steps));
  }
  return index.lanes == nullptr ? values : ir_.CreateAdd(values, index.lanes);
}

LaneIndex LaneIndex::within(Dim dim) const {
  LaneIndex result = *this;
  result.extent = dim;
  result.bounded = !dim.batch;
  result.low = -constant;
  result.high = dim.size - 1 - constant;
  return result;
}

LaneIndex LaneBuilder::sum(const LaneIndex &a, const LaneIndex &b) {
  if (a.is_constant() && a.constant == 0) return b;
  if (b.is_constant() && b.constant == 0) return a;
  LaneIndex result{a.base, a.constant + b.constant, a.lane_step + b.lane_step, a.lanes};
  if (b.base != nullptr) result.base = a.base == nullptr ? b.base : ir_.CreateNSWAdd(a.base, b.base);
  if (b.lanes != nullptr) result.lanes = a.lanes == nullptr ? b.lanes : ir_.CreateAdd(a.lanes, b.lanes);
  result.bounded = (a.bounded || a.is_constant()) && (b.bounded || b.is_constant());
  result.low = a.low + b.low;
  result.high = a.high + b.high;
  result.multiple = a.base == nullptr ? b.multiple : b.base == nullptr ? a.multiple : std::gcd(a.multiple, b.multiple);
  return result;
}

Index LaneBuilder::index(int64_t value) { return make(LaneIndex{nullptr, value, 0, nullptr}); }
Index LaneBuilder::add(Index a, Index b) { return make(sum(at(a), at(b))); }

Index LaneBuilder::scale(Index a, int64_t factor) {
  LaneIndex i = at(a);
  if (factor == 0) return index(0);
  if (factor == 1) return a;
  if (i.base != nullptr) i.base = ir_.CreateNSWMul(i.base, kernel.i64(factor));
  if (i.lanes != nullptr) i.lanes = ir_.CreateMul(i.lanes, llvm::ConstantInt::getSigned(i.lanes->getType(), factor));
  i.constant *= factor;
  i.lane_step *= factor;
  i.extent = {0, false};
  i.low *= factor;
  i.high *= factor;
  i.multiple = std::gcd(i.multiple * std::gcd(factor, kRandomBlock), kRandomBlock);
  if (factor < 0) std::swap(i.low, i.high);
  return make(i);
}

Index LaneBuilder::scale(Index a, Dim factor) {
  if (!factor.batch) return scale(a, factor.size);
  if (factor.size == 0) return index(0);
  LaneIndex i = at(a);
  llvm::Value *by = kernel.size(factor);
  llvm::Value *product =
      ir_.CreateMul(lane_values(i), lanes > 1 && (i.lane_step != 0 || i.lanes != nullptr) ? spread(by) : by);
  return product->getType()->isVectorTy() ? make(LaneIndex{nullptr, 0, 0, product}) : variable(product);
}

Index LaneBuilder::from_scalar(Scalar number) {
  llvm::Value *n = value(number);
  llvm::Value *wide = ir_.CreateSExt(n, n->getType()->getWithNewType(ir_.getInt64Ty()));
  return wide->getType()->isVectorTy() ? make(LaneIndex{nullptr, 0, 0, wide}) : variable(wide);
}

Scalar LaneBuilder::number(Index i, DType dtype) { return cast(make(lane_values(at(i)), DType::i64), dtype); }
Scalar LaneBuilder::extent(Dim dim, DType dtype) { return cast(make(kernel.size(dim), DType::i64), dtype); }
Type LaneBuilder::operand_type(size_t operand) { return frame.operand_types[operand]; }
Type LaneBuilder::result_type(size_t result) { return frame.result_types[result]; }

LaneIndex LaneBuilder::offset_of(std::span<const Dim> strides, std::span<const Index> index) {
  LaneIndex offset;
  for (size_t axis = 0; axis < strides.size(); ++axis) offset = sum(offset, at(scale(index[axis], strides[axis])));
  return offset;
}

llvm::Value *LaneBuilder::pointers(llvm::Value *base, llvm::Type *type, const LaneIndex &offset) {
  return ir_.CreateGEP(type, base, lane_values(offset));
}

Scalar LaneBuilder::from_memory(llvm::Value *value, DType dtype) {
  if (dtype == DType::boolean) value = ir_.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
  return make(value, dtype);
}

Scalar LaneBuilder::load_element(llvm::Value *base, DType dtype, const LaneIndex &offset, llvm::Value *active) {
  llvm::Type *type = kernel.memory_type(dtype);
  llvm::Align align(byte_size(dtype));
  bool uniform = lanes == 1 || (offset.lane_step == 0 && offset.lanes == nullptr);
  if (active != nullptr && !active->getType()->isVectorTy()) {
    // One condition for all lanes: an ordinary load behind a branch.
    auto loaded = kernel.branch(
        active, [&] { return Kernel::Values{value(load_element(base, dtype, offset))}; },
        [&] {
          llvm::Type *result = kernel.register_type(dtype);
          return Kernel::Values{
              llvm::Constant::getNullValue(uniform ? result : llvm::FixedVectorType::get(result, lanes))};
        });
    return make(loaded[0], dtype);
  }
  if (uniform && active == nullptr) {
    llvm::Value *address = ir_.CreateGEP(type, base, offset.base == nullptr ? kernel.i64(0) : offset.base);
    address = ir_.CreateConstGEP1_64(type, address, static_cast<uint64_t>(offset.constant));
    return from_memory(
        ir_.CreateAlignedLoad(type, lanes == 1 && offset.lanes ? pointers(base, type, offset) : address, align), dtype);
  }
  auto *vector = llvm::FixedVectorType::get(type, lanes);
  llvm::Value *enabled = active == nullptr ? mask : mask == nullptr ? active : ir_.CreateAnd(mask, active);
  llvm::Value *zeros = llvm::Constant::getNullValue(vector);
  if (offset.lane_step == 1 && offset.lanes == nullptr) {
    llvm::Value *address = offset.base == nullptr ? base : ir_.CreateGEP(type, base, offset.base);
    address = ir_.CreateConstGEP1_64(type, address, static_cast<uint64_t>(offset.constant));
    if (enabled == nullptr) return from_memory(ir_.CreateAlignedLoad(vector, address, align), dtype);
    return from_memory(ir_.CreateMaskedLoad(vector, address, align, enabled, zeros), dtype);
  }
  if (enabled == nullptr) enabled = llvm::Constant::getAllOnesValue(llvm::FixedVectorType::get(ir_.getInt1Ty(), lanes));
  return from_memory(ir_.CreateMaskedGather(vector, spread(pointers(base, type, offset)), align, enabled, zeros),
                     dtype);
}

void LaneBuilder::store_element(llvm::Value *base, DType dtype, const LaneIndex &offset, Scalar scalar) {
  llvm::Type *type = kernel.memory_type(dtype);
  llvm::Align align(byte_size(dtype));
  llvm::Value *stored = value(scalar);
  if (dtype == DType::boolean) stored = ir_.CreateZExt(stored, stored->getType()->getWithNewType(type));
  if (lanes == 1) {
    ir_.CreateAlignedStore(stored, pointers(base, type, offset), align);
    return;
  }
  stored = spread(stored);
  if (offset.lane_step == 1 && offset.lanes == nullptr) {
    llvm::Value *address = offset.base == nullptr ? base : ir_.CreateGEP(type, base, offset.base);
    address = ir_.CreateConstGEP1_64(type, address, static_cast<uint64_t>(offset.constant));
    if (mask == nullptr)
      ir_.CreateAlignedStore(stored, address, align);
    else
      ir_.CreateMaskedStore(stored, address, align, mask);
    return;
  }
  llvm::Value *enabled = mask;
  if (enabled == nullptr) enabled = llvm::Constant::getAllOnesValue(llvm::FixedVectorType::get(ir_.getInt1Ty(), lanes));
  ir_.CreateMaskedScatter(stored, spread(pointers(base, type, offset)), align, enabled);
}

Scalar LaneBuilder::load(size_t operand, std::span<const Index> index) {
  const Operand &source = frame.operands[operand];
  if (source.number != nullptr) return make(source.number, source.type.dtype);
  return load_element(source.address.base, source.type.dtype, offset_of(strides_of(source.address), index));
}

llvm::Value *LaneBuilder::inside(std::span<const Index> index, const Shape &shape) {
  llvm::Value *all = nullptr;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const LaneIndex &i = at(index[axis]);
    if (i.base == nullptr && i.lanes == nullptr && i.lane_step == 0 && !shape[axis].batch && i.constant >= 0 &&
        i.constant < shape[axis].size)
      continue;
    if (i.extent == shape[axis]) continue;
    if (i.bounded && !shape[axis].batch && i.low + i.constant >= 0 && i.high + i.constant < shape[axis].size) continue;
    // Unsigned: a negative index is larger than any size.
    llvm::Value *position = lane_values(i);
    llvm::Value *size = kernel.size(shape[axis]);
    llvm::Value *within = ir_.CreateICmpULT(position, position->getType()->isVectorTy() ? spread(size) : size);
    if (all != nullptr) std::tie(all, within) = same_shape(all, within);
    all = all == nullptr ? within : ir_.CreateAnd(all, within);
  }
  return all;
}

Scalar LaneBuilder::load_or(size_t operand, std::span<const Index> index, Scalar outside) {
  const Operand &source = frame.operands[operand];
  llvm::Value *active = inside(index, source.type.shape);
  if (active == nullptr) return load(operand, index);
  Scalar loaded = source.number != nullptr ? make(source.number, source.type.dtype)
                                           : load_element(source.address.base, source.type.dtype,
                                                          offset_of(strides_of(source.address), index), active);
  return select(make(active, DType::boolean), loaded, outside);
}

void LaneBuilder::accumulate(std::span<const Index> index, Scalar scalar) {
  const Address &target = *frame.accumulator;
  const LaneIndex &first = at(index[0]);
  const LaneIndex &expected = at(frame.first_axis);
  if (first.base != expected.base || first.constant != 0 || first.lanes != nullptr || first.lane_step != 0)
    frame.keeps_first_axis = false;
  bool distinct = false;
  for (Index i : index)
    if (at(i).lane_step != 0 && at(i).lanes == nullptr) distinct = true;
  if (!distinct) frame.distinct_lanes = false;
  auto add = [&] {
    LaneIndex offset = offset_of(strides_of(target), index);
    if (frame.stores_once) return store_element(target.base, target.dtype, offset, scalar);
    Scalar old = load_element(target.base, target.dtype, offset);
    store_element(target.base, target.dtype, offset, binary(Binary::add, old, scalar));
  };
  llvm::Value *active = inside(index, target.shape);
  if (active == nullptr) return add();
  if (!active->getType()->isVectorTy()) {
    kernel.branch(
        active,
        [&] {
          add();
          return Kernel::Values{};
        },
        [] { return Kernel::Values{}; });
    return;
  }
  LaneBuilder within(kernel, lanes, mask == nullptr ? active : ir_.CreateAnd(mask, active));
  LaneIndex offset = offset_of(strides_of(target), index);
  Scalar old = within.load_element(target.base, target.dtype, offset);
  llvm::Value *sum = value(binary(Binary::add, make(within.value(old), target.dtype), scalar));
  within.store_element(target.base, target.dtype, offset, within.make(sum, target.dtype));
}

// ---- loops

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
