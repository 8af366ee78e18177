// The part of LaneBuilder that computes where elements are, and loads and stores them.
#include <llvm/IR/Constants.h>

#include <numeric>

#include "codegen/lane_builder.h"

namespace netc {

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

}  // namespace netc
