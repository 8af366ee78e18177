#include "codegen/program_builder.h"

#include <fmt/format.h>
#include <llvm/IR/Constants.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <bit>

#include "codegen/lowering.h"
#include "codegen/parts.h"
#include "codegen/pointwise.h"
#include "ir/samples.h"

namespace netc {

ProgramBuilder::ProgramBuilder(const Module &source, const Metadata &metadata, Target target, bool debug_info)
    : weight_bytes_(source.weight_bytes),
      source_(source),
      metadata_(metadata),
      target_(std::move(target)),
      frugal_target_(target_),
      module_(source.name, context_),
      debug_(module_, debug_info) {
  frugal_target_.vector_registers = 4;
  frugal_target_.winograd = Winograd::never;
  frugal_target_.small_code = true;
  module_.setTargetTriple(target_.triple);
  module_.setDataLayout(target_.machine->createDataLayout());
  module_.setPICLevel(llvm::PICLevel::BigPIC);
  auto *disable = llvm::MDNode::get(context_, llvm::MDString::get(context_, "llvm.loop.unroll.disable"));
  auto *no_vectors =
      llvm::MDNode::get(context_, {llvm::MDString::get(context_, "llvm.loop.vectorize.enable"),
                                   llvm::ConstantAsMetadata::get(llvm::ConstantInt::getFalse(context_))});
  no_unroll_ = llvm::MDNode::getDistinct(context_, {nullptr, disable, no_vectors});
  no_unroll_->replaceOperandWith(0, no_unroll_);
}

// ---- where values are

llvm::GlobalVariable *ProgramBuilder::data(const Type &type, const std::vector<double> &values) {
  auto count = static_cast<size_t>(element_count(type.shape)->size);
  auto at = [&](size_t i) { return values.size() == 1 ? values[0] : values[i]; };
  auto array = [&]<typename T>(T) -> llvm::Constant * {
    std::vector<T> numbers(count);
    for (size_t i = 0; i < count; ++i) numbers[i] = static_cast<T>(at(i));
    return llvm::ConstantDataArray::get(context_, numbers);
  };
  llvm::Constant *content = nullptr;
  switch (type.dtype) {
    case DType::f64:
      content = array(double{});
      break;
    case DType::bf16: {
      std::vector<uint16_t> numbers(count);
      for (size_t i = 0; i < count; ++i) numbers[i] = bf16_bits(at(i));
      content = llvm::ConstantDataArray::get(context_, numbers);
      break;
    }
    case DType::i32:
      content = array(uint32_t{});
      break;
    case DType::i64:
      content = array(uint64_t{});
      break;
    case DType::boolean:
      content = array(uint8_t{});
      break;
    default:
      content = array(float{});
      break;
  }
  auto *global = new llvm::GlobalVariable(module_, content->getType(), true, llvm::GlobalValue::PrivateLinkage, content,
                                          "constant");
  global->setAlignment(llvm::Align(64));
  return global;
}

Storage ProgramBuilder::constant(const Op &op) {
  Storage storage;
  storage.layout.type = {*dtype_from_name(op.get<std::string>("dtype")), op.get<Shape>("shape")};
  const auto &values = op.get<std::vector<double>>("values");
  if (values.size() == 1)
    storage.splat = values[0];
  else
    storage.global = data(storage.layout.type, values);
  return storage;
}

PreparedSpace ProgramBuilder::prepared_space(const Storage &weight, const std::string &as, int64_t bytes) {
  constexpr int64_t kCacheLine = 64;
  auto [space, added] = prepared_.try_emplace({weight.placement.offset, as});
  if (added) {
    space->second = (weight_bytes_ + kCacheLine - 1) / kCacheLine * kCacheLine;
    weight_bytes_ = space->second + bytes;
  }
  return {space->second, added};
}

Storage ProgramBuilder::in_memory(const Storage &storage) {
  if (!storage.splat) return storage;
  Storage result{storage.layout, {}, data(storage.layout.type, {*storage.splat})};
  return result;
}

std::vector<Storage> ProgramBuilder::place_values(const Function &function) {
  std::vector<Storage> storage;
  for (const netc::Value &value : function.values) storage.push_back({{value.type, value.halo}, value.placement});
  for (size_t n = 0; n < function.arguments.size(); ++n)
    if (Placement &placement = storage[function.arguments[n]].placement; placement.space == Space::none)
      placement = {Space::input, static_cast<int64_t>(n)};
  for (const Op &op : function.ops) {
    if (op.def->name == "constant") {
      Storage number = constant(op);
      Storage &target = storage[op.results[0]];
      target.splat = number.splat;
      target.global = number.global;
      target.placement = {};
    } else if (op.def->name == "runtime_value") {
      Storage &target = storage[op.results[0]];
      auto slot = std::ranges::find(metadata_.scalars, op.get<std::string>("name")) - metadata_.scalars.begin();
      target.slot = static_cast<size_t>(slot);
      target.placement = {};
    } else if (op.def->name == "read" && storage[op.results[0]].placement.space == Space::none) {
      storage[op.results[0]].placement = {Space::weights, source_.find_weight(op.get<std::string>("weight"))->offset};
    } else if (op.def->op_class == OpClass::view) {
      Storage &view = storage[op.results[0]];
      const Storage &root = storage[op.operands[0]];
      if (view.placement.space == Space::none) {
        view.placement = root.placement;
        view.splat = root.splat;
        view.slot = root.slot;
        view.global = root.global;
      }
    }
  }
  return storage;
}

// ---- functions

namespace {

// Functions whose speed nobody waits for: the check of the gradients, on a few samples, and what follows an epoch.
bool rarely_called(const Function &function) { return function.name == "gradcheck" || function.name == "metrics"; }

const char *const kPrepare = "prepare";

// The runtime calls `prepare` before such functions whenever weights have changed.
bool reads_prepared(const Function &function, const Module &module) {
  return function.mode == Mode::inference && function.name != kPrepare && module.find_function(kPrepare) != nullptr &&
         std::ranges::none_of(function.ops, [](const Op &op) { return op.def->name == "write"; });
}

bool same_place(const Storage &a, const Storage &b) {
  return a.placement == b.placement && a.placement.space != Space::none && a.layout.halo == b.layout.halo;
}

Result<Lowering> lower(const OpTask &task) {
  const Op &op = *task.op;
  std::string kind;
  if (op.body != nullptr) kind = op.get<std::string>("kind");
  OpClass op_class = op.def->op_class;
  if (kind == "contraction" || (op.body == nullptr && op_class == OpClass::contraction)) return lower_contraction(task);
  if (kind == "map" || (op.body == nullptr && op_class == OpClass::elementwise)) return lower_map(task);
  if (kind == "reduce" || (op.body == nullptr && op_class == OpClass::reduction && op.def->pull != nullptr))
    return lower_reduce(task);
  if (op.def->name == "flip_kernel") return lower_flip(task);
  if (op.def->name == "orthogonal") return lower_orthogonal(task);
  if (op.def->pull != nullptr) return lower_pull(task);
  if (op.def->push != nullptr) return lower_push(task);
  return fail(fmt::format("the op '{}' has no lowering: a pass that decomposes it was left out", op.def->name));
}

}  // namespace

void ProgramBuilder::emit_stages(Lowering &lowering, const OpTask &task, const KernelName &name, llvm::IRBuilder<> &ir,
                                 llvm::Value *call_context) {
  for (const Storage &result : task.results)
    if (!result.layout.halo.empty()) lowering.stages.insert(lowering.stages.begin(), zero_halo(result));
  scratch_fixed_ = std::max(scratch_fixed_, lowering.scratch_fixed);
  scratch_batch_ = std::max(scratch_batch_, lowering.scratch_batch);
  // Packing and combining are part of the price of the stage that computes.
  auto dominates = [&](const Stage &stage) {
    return std::ranges::none_of(lowering.stages, [&](const Stage &other) {
      return other.least_batch <= stage.most_batch && other.most_batch >= stage.least_batch &&
             std::pair(other.batch_nanoseconds, other.fixed_nanoseconds) >
                 std::pair(stage.batch_nanoseconds, stage.fixed_nanoseconds);
    });
  };
  for (Stage &stage : lowering.stages) {
    std::string suffix = stage.suffix.empty() ? "" : "." + stage.suffix;
    Kernel kernel(*this, *task.target, name.symbol(task.function->name) + suffix, task.op->location);
    stage.emit(kernel);
    llvm::Function *function = kernel.finish();
    if (task.target->small_code) function->addFnAttr(llvm::Attribute::OptimizeForSize);
    function = equal_kernels_.unique(function);
    Work work = dominates(stage) ? work_of(task) : Work{};
    work_ += work;
    KernelName stage_name{name.step, name.direction, name.ops + suffix};
    if (stage.prepares) {
      llvm::Constant *entry = kernel_entry(task, kPrepare, stage_name, function, kernel.places(), {});
      int64_t chunks = (stage.units.size + stage.units_per_chunk - 1) / stage.units_per_chunk;
      preparing_calls_.push_back({entry, chunks, static_cast<int64_t>(stage.fixed_nanoseconds)});
      continue;
    }
    llvm::Constant *entry = kernel_entry(task, task.function->name, stage_name, function, kernel.places(), work);
    kernels_.push_back(entry);
    llvm::Value *batch =
        ir.CreateLoad(ir.getInt64Ty(), ir.CreateConstInBoundsGEP1_64(ir.getInt64Ty(), call_context, 5));
    auto number = [&](double n) { return ir.getInt64(static_cast<uint64_t>(n)); };
    llvm::Value *units = stage.units.batch ? ir.CreateMul(batch, number(static_cast<double>(stage.units.size)))
                                           : number(static_cast<double>(stage.units.size));
    llvm::Value *per_chunk = ir.getInt64(static_cast<uint64_t>(stage.units_per_chunk));
    if (stage.units_per_chunk_of_one > 0)
      per_chunk = ir.CreateSelect(ir.CreateICmpEQ(batch, ir.getInt64(1)),
                                  ir.getInt64(static_cast<uint64_t>(stage.units_per_chunk_of_one)), per_chunk);
    llvm::Value *count = ir.CreateUDiv(ir.CreateAdd(units, ir.CreateSub(per_chunk, ir.getInt64(1))), per_chunk);
    if (stage.least_batch > 1)
      count = ir.CreateSelect(ir.CreateICmpSLT(batch, ir.getInt64(static_cast<uint64_t>(stage.least_batch))),
                              ir.getInt64(0), count);
    if (stage.most_batch != kAnyBatch)
      count = ir.CreateSelect(ir.CreateICmpSGT(batch, ir.getInt64(static_cast<uint64_t>(stage.most_batch))),
                              ir.getInt64(0), count);
    llvm::Value *cost =
        ir.CreateAdd(number(stage.fixed_nanoseconds), ir.CreateMul(batch, number(stage.batch_nanoseconds)));
    call_kernel(entry, count, cost, ir, call_context);
  }
}

void ProgramBuilder::call_kernel(llvm::Constant *entry, llvm::Value *chunks, llvm::Value *nanoseconds,
                                 llvm::IRBuilder<> &ir, llvm::Value *call_context) {
  llvm::Type *i64 = ir.getInt64Ty(), *pointer = ir.getPtrTy();
  auto callee = module_.getOrInsertFunction(
      "nc_parallel_for", llvm::FunctionType::get(ir.getVoidTy(), {pointer, pointer, i64, i64}, false));
  ir.CreateCall(callee, {call_context, entry, chunks, nanoseconds});
}

void ProgramBuilder::emit_copy(const Storage &from, const Storage &to, const Op &op, const Function &function,
                               llvm::IRBuilder<> &ir, llvm::Value *call_context) {
  OpTask task;
  task.op = &op;
  task.function = &function;
  task.operands = {from};
  task.results = {to};
  task.target = &target_;
  task.program = this;
  Lowering lowering = lower_copy(task);
  KernelName name = kernel_name(op);
  name.ops = "copy";
  emit_stages(lowering, task, name, ir, call_context);
}

Result<void> ProgramBuilder::emit_op(const Op &op, const Function &function, std::vector<Storage> &storage,
                                     llvm::IRBuilder<> &ir, llvm::Value *call_context) {
  std::string_view name = op.def->name;
  if (name == "constant" || name == "runtime_value") return {};
  if (name == "read" || name == "write") {
    const Weight *weight = source_.find_weight(op.get<std::string>("weight"));
    const Storage &value = storage[name == "read" ? op.results[0] : op.operands[0]];
    Storage home{{weight->type, {}}, {Space::weights, weight->offset}};
    if (!same_place(value, home))
      name == "read" ? emit_copy(home, value, op, function, ir, call_context)
                     : emit_copy(value, home, op, function, ir, call_context);
    return {};
  }
  if (op.def->op_class == OpClass::view) {
    const Storage &from = storage[op.operands[0]], &to = storage[op.results[0]];
    if (to.placement.space != Space::none && !same_place(from, to)) emit_copy(from, to, op, function, ir, call_context);
    return {};
  }
  OpTask task;
  task.op = &op;
  task.function = &function;
  task.body = op.body != nullptr ? *op.body : body_of(op, function);
  for (ValueId operand : op.operands) task.operands.push_back(storage[operand]);
  for (ValueId result : op.results) {
    if (storage[result].placement.space == Space::none)
      return fail(fmt::format("the value %{} of '{}' has no place in memory: the memory plan was left out",
                              function.value(result).name, op.def->name));
    task.results.push_back(storage[result]);
  }
  task.target = rarely_called(function) ? &frugal_target_ : &target_;
  task.program = this;
  task.scratch_fixed_at = function.fixed_bytes;
  task.scratch_batch_at = function.batch_bytes;
  task.constant_weights = reads_prepared(function, source_);
  flatten_pointwise(task);
  Result<Lowering> lowering = lower(task);
  if (!lowering) return tl::unexpected(lowering.error());
  emit_stages(*lowering, task, kernel_name(op), ir, call_context);
  return {};
}

Result<void> ProgramBuilder::add_function(const Function &function) {
  llvm::IRBuilder<> ir(context_);
  auto *type = llvm::FunctionType::get(ir.getVoidTy(), {ir.getPtrTy()}, false);
  auto *entry = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, function.name, module_);
  target_.add_attributes(*entry);
  llvm::Value *call_context = entry->getArg(0);
  ir.SetInsertPoint(llvm::BasicBlock::Create(context_, "entry", entry));
  std::vector<Storage> storage = place_values(function);
  scratch_fixed_ = scratch_batch_ = 0;
  work_ = {};
  op_ = 0;
  for (const Op &op : function.ops) {
    if (Result<void> done = emit_op(op, function, storage, ir, call_context); !done) return done;
    ++op_;
  }
  if (function.name == kPrepare)
    for (const PreparingCall &call : preparing_calls_) {
      kernels_.push_back(call.entry);
      call_kernel(call.entry, ir.getInt64(static_cast<uint64_t>(call.chunks)),
                  ir.getInt64(static_cast<uint64_t>(call.nanoseconds)), ir, call_context);
    }
  ir.CreateRetVoid();
  int64_t batch_bytes = function.batch_bytes + scratch_batch_;
  entries_.push_back({function.name, entry, function.fixed_bytes + scratch_fixed_, batch_bytes,
                      static_cast<int64_t>(function.arguments.size()), static_cast<int64_t>(function.results.size()),
                      keeps_samples_apart(function) ? samples_per_block(work_, batch_bytes) : 0});
  return {};
}

}  // namespace netc
