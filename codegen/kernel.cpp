#include "codegen/kernel.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Module.h>

#include "codegen/program_builder.h"

namespace netc {

std::vector<Dim> strides_of(const ValueLayout &layout) {
  const Shape &shape = layout.type.shape;
  std::vector<Dim> strides(shape.size());
  Dim stride;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    int64_t size = shape[axis].size;
    if (axis == 1 && shape.size() == 4) size += layout.halo.top + layout.halo.bottom;
    if (axis == 2 && shape.size() == 4) size += layout.halo.left + layout.halo.right;
    stride = {stride.size * size, stride.batch || shape[axis].batch};
  }
  return strides;
}

std::vector<Dim> strides_of(const Address &address) {
  return strides_of(ValueLayout{{address.dtype, address.shape}, address.halo});
}

Dim stored_elements(const ValueLayout &layout) {
  Dim count{1, false};
  for (size_t axis = 0; axis < layout.type.rank(); ++axis) {
    Dim dim = layout.type.shape[axis];
    if (axis == 1 && layout.type.rank() == 4) dim.size += layout.halo.top + layout.halo.bottom;
    if (axis == 2 && layout.type.rank() == 4) dim.size += layout.halo.left + layout.halo.right;
    count = {count.size * dim.size, count.batch || dim.batch};
  }
  return count;
}

Kernel::Kernel(ProgramBuilder &builder, const Target &made_for, const std::string &name, const Location &location)
    : ir(builder.context()), program(builder), target(made_for), fields_(9, nullptr) {
  auto *type = llvm::FunctionType::get(ir.getVoidTy(), {ir.getPtrTy(), ir.getInt64Ty(), ir.getPtrTy()}, false);
  function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, program.module());
  target.add_attributes(*function);
  context = function->getArg(0);
  context->setName("context");
  chunk = function->getArg(1);
  chunk->setName("chunk");
  function->getArg(2)->setName("places");
  for (unsigned table : {0, 2}) {
    function->getArg(table)->addAttr(llvm::Attribute::NoAlias);
    function->getArg(table)->addAttr(llvm::Attribute::ReadOnly);
  }
  program.debug().start_function(*function, name, location);
  auto *entry = llvm::BasicBlock::Create(ir.getContext(), "entry", function);
  auto *body = llvm::BasicBlock::Create(ir.getContext(), "body", function);
  ir.SetInsertPoint(entry);
  set_location(location);
  entry_end_ = ir.CreateBr(body);
  ir.SetInsertPoint(body);
  batch = context_field(5, ir.getInt64Ty());
}

void Kernel::set_location(const Location &location) {
  if (llvm::DebugLoc place = program.debug().location(*function, location)) ir.SetCurrentDebugLocation(place);
}

template <typename F>
auto Kernel::in_entry(F &&emit) {
  llvm::IRBuilder<>::InsertPointGuard guard(ir);
  ir.SetInsertPoint(entry_end_);
  return emit();
}

// Field number `number` of a table that nothing writes during the call.
llvm::Value *Kernel::table_field(llvm::Value *table, unsigned number, llvm::Type *type) {
  return in_entry([&] {
    auto *load = ir.CreateLoad(type, ir.CreateConstInBoundsGEP1_64(ir.getInt64Ty(), table, number));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(ir.getContext(), {}));
    return load;
  });
}

llvm::Value *Kernel::context_field(unsigned number, llvm::Type *type) {
  if (fields_[number] == nullptr) fields_[number] = table_field(context, number, type);
  return fields_[number];
}

llvm::Value *Kernel::place(int64_t offset) {
  places_.push_back(offset);
  return table_field(function->getArg(2), static_cast<unsigned>(places_.size() - 1), ir.getInt64Ty());
}

llvm::Value *Kernel::seed() { return context_field(7, ir.getInt64Ty()); }
llvm::Value *Kernel::step() { return context_field(8, ir.getInt64Ty()); }

llvm::Value *Kernel::size(Dim dim) {
  if (!dim.batch) return i64(dim.size);
  if (dim.size == 1) return batch;
  return in_entry([&] { return ir.CreateNSWMul(batch, i64(dim.size)); });
}

llvm::Value *Kernel::workspace() { return context_field(1, ir.getPtrTy()); }

llvm::Value *Kernel::weight_space(int64_t offset) { return behind(context_field(0, ir.getPtrTy()), place(offset)); }

llvm::Value *Kernel::fixed_space(int64_t offset) { return behind(workspace(), place(offset)); }

llvm::Value *Kernel::batch_space(int64_t offset) {
  llvm::Value *per_sample = place(offset);
  return behind(context_field(2, ir.getPtrTy()), in_entry([&] { return ir.CreateNSWMul(batch, per_sample); }));
}

llvm::Value *Kernel::behind(llvm::Value *base, llvm::Value *bytes) {
  return in_entry([&] { return ir.CreateInBoundsGEP(ir.getInt8Ty(), base, bytes); });
}

Address Kernel::address(const Storage &storage) {
  const ValueLayout &layout = storage.layout;
  Address address{nullptr, layout.type.dtype, layout.type.shape, layout.halo, {}, byte_size(layout.type.dtype)};
  for (Dim stride : strides_of(layout)) address.strides.push_back(stride.size);
  llvm::Value *base = nullptr;
  int64_t offset = storage.placement.offset;
  if (storage.global != nullptr) {
    base = storage.global;
  } else if (storage.placement.space == Space::weights) {
    base = weight_space(offset);
  } else if (storage.placement.space == Space::fixed) {
    base = fixed_space(offset);
  } else if (storage.placement.space == Space::batch) {
    base = batch_space(offset);
  } else {
    llvm::Value *table = context_field(storage.placement.space == Space::input ? 3 : 4, ir.getPtrTy());
    base = in_entry([&] {
      return ir.CreateLoad(ir.getPtrTy(),
                           ir.CreateConstInBoundsGEP1_64(ir.getPtrTy(), table, static_cast<uint64_t>(offset)));
    });
  }
  if (!layout.halo.empty()) {
    int64_t elements = layout.halo.top * address.strides[1] + layout.halo.left * address.strides[2];
    base = in_entry([&] {
      return ir.CreateConstInBoundsGEP1_64(memory_type(layout.type.dtype), base, static_cast<uint64_t>(elements));
    });
  }
  address.base = base;
  return address;
}

Operand Kernel::operand(const Storage &storage) {
  Operand operand{storage.layout.type, {}, nullptr};
  DType dtype = operand.type.dtype;
  if (storage.splat) {
    llvm::Type *type = register_type(dtype);
    operand.number = type->isFloatingPointTy() ? llvm::ConstantFP::get(type, *storage.splat)
                     : dtype == DType::bf16    ? llvm::ConstantInt::get(type, bf16_bits(*storage.splat))
                                            : llvm::ConstantInt::getSigned(type, static_cast<int64_t>(*storage.splat));
  } else if (storage.slot) {
    llvm::Value *scalars = context_field(6, ir.getPtrTy());
    operand.number = in_entry([&] {
      llvm::Value *number =
          ir.CreateLoad(ir.getDoubleTy(), ir.CreateConstInBoundsGEP1_64(ir.getDoubleTy(), scalars, *storage.slot));
      return dtype == DType::f64 ? number : ir.CreateFPTrunc(number, ir.getFloatTy());
    });
  } else {
    operand.address = address(storage);
  }
  return operand;
}

llvm::Type *Kernel::register_type(DType dtype) const {
  llvm::LLVMContext &llvm_context = function->getContext();
  switch (dtype) {
    case DType::f32:
      return llvm::Type::getFloatTy(llvm_context);
    case DType::f64:
      return llvm::Type::getDoubleTy(llvm_context);
    case DType::bf16:
      return llvm::Type::getInt16Ty(llvm_context);
    case DType::i32:
      return llvm::Type::getInt32Ty(llvm_context);
    case DType::i64:
      return llvm::Type::getInt64Ty(llvm_context);
    case DType::boolean:
      return llvm::Type::getInt1Ty(llvm_context);
  }
  return nullptr;
}

llvm::Type *Kernel::memory_type(DType dtype) const {
  return dtype == DType::boolean ? llvm::Type::getInt8Ty(function->getContext()) : register_type(dtype);
}

Kernel::Values Kernel::loop(llvm::Value *begin, llvm::Value *end, int64_t step, Values carried,
                            const std::function<Values(llvm::Value *, const Values &)> &body) {
  llvm::Value *entered = ir.CreateICmpSLT(begin, end);
  auto *known = llvm::dyn_cast<llvm::ConstantInt>(entered);
  if (known != nullptr && known->isZero()) return carried;
  llvm::BasicBlock *before = ir.GetInsertBlock();
  auto *header = llvm::BasicBlock::Create(ir.getContext(), "loop", function);
  auto *exit = llvm::BasicBlock::Create(ir.getContext(), "done", function);
  if (known != nullptr)
    ir.CreateBr(header);
  else
    ir.CreateCondBr(entered, header, exit);
  ir.SetInsertPoint(header);
  llvm::PHINode *i = ir.CreatePHI(ir.getInt64Ty(), 2, "i");
  i->addIncoming(begin, before);
  std::vector<llvm::PHINode *> phis;
  Values inside;
  for (llvm::Value *value : carried) {
    phis.push_back(ir.CreatePHI(value->getType(), 2));
    phis.back()->addIncoming(value, before);
    inside.push_back(phis.back());
  }
  Values after = body(i, inside);
  llvm::Value *next = ir.CreateAdd(i, i64(step), "next", true, true);
  llvm::BasicBlock *latch = ir.GetInsertBlock();
  auto *again = ir.CreateCondBr(ir.CreateICmpSLT(next, end), header, exit);
  again->setMetadata(llvm::LLVMContext::MD_loop, program.no_unroll());
  i->addIncoming(next, latch);
  for (size_t n = 0; n < phis.size(); ++n) phis[n]->addIncoming(after[n], latch);
  ir.SetInsertPoint(exit);
  if (known != nullptr) return after;
  for (size_t n = 0; n < carried.size(); ++n) {
    llvm::PHINode *phi = ir.CreatePHI(carried[n]->getType(), 2);
    phi->addIncoming(carried[n], before);
    phi->addIncoming(after[n], latch);
    after[n] = phi;
  }
  return after;
}

void Kernel::loop(llvm::Value *begin, llvm::Value *end, int64_t step, const std::function<void(llvm::Value *)> &body) {
  loop(begin, end, step, {}, [&](llvm::Value *i, const Values &) {
    body(i);
    return Values{};
  });
}

Kernel::Values Kernel::branch(llvm::Value *condition, const std::function<Values()> &yes,
                              const std::function<Values()> &no) {
  auto *yes_block = llvm::BasicBlock::Create(ir.getContext(), "yes", function);
  auto *no_block = llvm::BasicBlock::Create(ir.getContext(), "no", function);
  auto *join = llvm::BasicBlock::Create(ir.getContext(), "join", function);
  ir.CreateCondBr(condition, yes_block, no_block);
  ir.SetInsertPoint(yes_block);
  Values from_yes = yes();
  llvm::BasicBlock *yes_end = ir.GetInsertBlock();
  ir.CreateBr(join);
  ir.SetInsertPoint(no_block);
  Values from_no = no();
  llvm::BasicBlock *no_end = ir.GetInsertBlock();
  ir.CreateBr(join);
  ir.SetInsertPoint(join);
  Values joined;
  for (size_t n = 0; n < from_yes.size(); ++n) {
    llvm::PHINode *phi = ir.CreatePHI(from_yes[n]->getType(), 2);
    phi->addIncoming(from_yes[n], yes_end);
    phi->addIncoming(from_no[n], no_end);
    joined.push_back(phi);
  }
  return joined;
}

std::pair<llvm::Value *, llvm::Value *> Kernel::chunk_range(Dim units, int64_t units_per_chunk) {
  if (!units.batch && units.size <= units_per_chunk) return {i64(0), i64(units.size)};
  llvm::Value *first = ir.CreateNSWMul(chunk, i64(units_per_chunk));
  llvm::Value *last = ir.CreateNSWAdd(first, i64(units_per_chunk));
  llvm::Value *end = size(units);
  return {first, ir.CreateSelect(ir.CreateICmpSLT(last, end), last, end)};
}

llvm::Function *Kernel::finish() {
  ir.CreateRetVoid();
  return function;
}

}  // namespace netc
