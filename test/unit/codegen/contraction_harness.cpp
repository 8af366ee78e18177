#include "test/unit/codegen/contraction_harness.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>

#include "codegen/contraction/common.h"
#include "ir/op.h"

namespace netc::contraction_test {

namespace {

using llvm::Value;

// What a kernel of the harness is called with.
struct Context {
  const void *operands[2];
  const void *bias;
  void *result;
  void *scratch;
  int64_t batch;
  void *scratch_apart;
};

class Emitter final : public KernelEmitter {
 public:
  Emitter(llvm::IRBuilder<> &ir, const Target &target, const Contraction &contraction, const KernelStage &stage,
          llvm::Function *function)
      : ir_(ir),
        target_(target),
        units_per_chunk_of_one_(stage.units_per_chunk_of_one),
        context_(function->getArg(0)),
        chunk_(function->getArg(1)) {
    auto field = [&](unsigned i) {
      return ir.CreateLoad(ir.getPtrTy(), ir.CreateConstGEP1_64(ir.getPtrTy(), context_, i));
    };
    for (unsigned i = 0; i < 2; ++i) operands_[i] = address(field(i), contraction.operands[i]);
    bias_ = field(2);
    result_ = address(field(3), contraction.result);
    scratch_ = field(4);
    batch_ = ir.CreateLoad(ir.getInt64Ty(), ir.CreateConstGEP1_64(ir.getPtrTy(), context_, 5));
    scratch_apart_ = ir.CreateConstGEP1_64(ir.getInt8Ty(), field(6), static_cast<uint64_t>(stage.apart_at));
  }

  llvm::IRBuilder<> &ir() override { return ir_; }
  const Target &target() const override { return target_; }
  Value *context() override { return context_; }
  Value *chunk() override { return chunk_; }
  Value *batch() override { return batch_; }
  const Address &operand(size_t operand) override { return operands_[operand]; }
  Value *scratch() override { return scratch_; }
  Value *scratch_apart() override { return scratch_apart_; }
  int64_t units_per_chunk_of_one() const override { return units_per_chunk_of_one_; }
  std::vector<Address> finished() override { return {result_}; }

  void finish(std::span<const IndexValue> index, Value *value, Value *mask, size_t lane_axis) override {
    if (lane_axis < index.size() - 1) return finish_along(lane_axis, index, value, mask);
    llvm::Type *element = value->getType()->getScalarType();
    auto place = [&](Value *base, std::span<const IndexValue> at, std::span<const int64_t> strides) {
      int64_t constant = 0;
      for (size_t axis = 0; axis < at.size(); ++axis) {
        constant += at[axis].constant * strides[axis];
        if (at[axis].variable == nullptr) continue;
        Value *stride = ir_.getInt64(static_cast<uint64_t>(strides[axis]));
        if (axis == 0 && at.size() > 1 && result_.shape.back().batch) stride = ir_.CreateMul(stride, batch_);
        base = ir_.CreateGEP(element, base, ir_.CreateMul(at[axis].variable, stride));
      }
      if (result_.shape.back().batch && at.size() > 1) {
        Value *row = ir_.CreateMul(ir_.getInt64(static_cast<uint64_t>(at[0].constant * strides[0])), batch_);
        base = ir_.CreateGEP(element, base, row);
        constant -= at[0].constant * strides[0];
      }
      return ir_.CreateGEP(element, base, ir_.getInt64(static_cast<uint64_t>(constant)));
    };
    int64_t one = 1;
    Value *bias = contraction::load_lanes(ir_, value->getType(), place(bias_, index.last(1), {&one, 1}), mask);
    value = ir_.CreateFAdd(value, bias);
    Value *to = place(result_.base, index, result_.strides);
    llvm::Align align(element->getPrimitiveSizeInBits() / 8);
    if (mask == nullptr)
      ir_.CreateAlignedStore(value, to, align);
    else
      ir_.CreateMaskedStore(value, to, align, mask);
  }

  void loop(Value *begin, Value *end, int64_t step, const std::function<void(Value *)> &body) override {
    llvm::BasicBlock *before = ir_.GetInsertBlock();
    llvm::BasicBlock *block = llvm::BasicBlock::Create(ir_.getContext(), "loop", function());
    llvm::BasicBlock *after = llvm::BasicBlock::Create(ir_.getContext(), "loop.end", function());
    ir_.CreateCondBr(ir_.CreateICmpSLT(begin, end), block, after);
    ir_.SetInsertPoint(block);
    llvm::PHINode *i = ir_.CreatePHI(ir_.getInt64Ty(), 2);
    i->addIncoming(begin, before);
    body(i);
    Value *next = ir_.CreateAdd(i, ir_.getInt64(static_cast<uint64_t>(step)));
    i->addIncoming(next, ir_.GetInsertBlock());
    contraction::keep_loop(ir_.CreateCondBr(ir_.CreateICmpSLT(next, end), block, after));
    ir_.SetInsertPoint(after);
  }

 private:
  // Lane by lane.
  void finish_along(size_t axis, std::span<const IndexValue> index, Value *value, Value *mask) {
    for (unsigned lane = 0; lane < llvm::cast<llvm::FixedVectorType>(value->getType())->getNumElements(); ++lane) {
      if (mask != nullptr && !llvm::cast<llvm::Constant>(mask)->getAggregateElement(lane)->isOneValue()) continue;
      std::vector<IndexValue> place(index.begin(), index.end());
      place[axis].constant += lane;
      finish(place, ir_.CreateExtractElement(value, lane), nullptr, kLastAxis);
    }
  }

  Address address(Value *base, const ValueLayout &layout) {
    Value *first = ir_.getInt64(static_cast<uint64_t>(first_element(layout)));
    DType dtype = layout.type.dtype;
    llvm::Type *element = dtype == DType::f64    ? ir_.getDoubleTy()
                          : dtype == DType::bf16 ? static_cast<llvm::Type *>(ir_.getInt16Ty())
                                                 : ir_.getFloatTy();
    return {ir_.CreateGEP(element, base, first), layout.type.dtype, layout.type.shape, layout.halo, strides_of(layout)};
  }

  llvm::IRBuilder<> &ir_;
  const Target &target_;
  const int64_t units_per_chunk_of_one_;
  Value *context_, *chunk_, *batch_, *bias_, *scratch_, *scratch_apart_;
  Address operands_[2], result_;
};

char *poisoned(size_t bytes) {
  constexpr size_t kHugePage = size_t{1} << 21;
  size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  auto *memory = static_cast<char *>(std::aligned_alloc(alignment, bytes));
  if (alignment == kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);  // only a hint
  std::fill_n(memory, bytes, static_cast<char>(0xff));
  return memory;
}

[[noreturn]] void stop(const std::string &message) {
  llvm::errs() << message << "\n";
  std::abort();
}

Type image_type(Dim images, int64_t height, int64_t width, int64_t channels, DType dtype) {
  return {dtype, {images, {height}, {width}, {channels}}};
}

Attributes window_attributes(const Window &window, bool backward) {
  Attributes attributes{{"strides", window.strides},
                        {"padding", window.padding},
                        {"dilation", window.dilation},
                        {"groups", window.groups}};
  if (backward)
    attributes["kernel_size"] = std::vector<int64_t>{window.kernel_height, window.kernel_width};
  else
    attributes["input_dilation"] = window.input_dilation;
  return attributes;
}

int64_t output_size(const Window &window, int axis, int64_t input) {
  int64_t kernel = axis == 0 ? window.kernel_height : window.kernel_width;
  size_t i = static_cast<size_t>(axis);
  int64_t dilated = (input - 1) * window.input_dilation[i] + 1 + window.padding[2 * i] + window.padding[2 * i + 1];
  return (dilated - (kernel - 1) * window.dilation[i] - 1) / window.strides[i] + 1;
}

}  // namespace

Contraction matmul(Dim rows, Dim steps, Dim columns, bool transpose_a, bool transpose_b, DType dtype) {
  Shape a = transpose_a ? Shape{steps, rows} : Shape{rows, steps};
  Shape b = transpose_b ? Shape{columns, steps} : Shape{steps, columns};
  return {"matmul",
          {{{dtype, a}, {}}, {{dtype, b}, {}}},
          {{sum_type(dtype), {rows, columns}}, {}},
          {{"transpose_a", transpose_a}, {"transpose_b", transpose_b}}};
}

Contraction conv2d(Dim images, int64_t height, int64_t width, int64_t channels, int64_t filters, const Window &window,
                   Halo halo, DType dtype) {
  Type kernel{dtype, {{window.kernel_height}, {window.kernel_width}, {channels / window.groups}, {filters}}};
  Type y = image_type(images, output_size(window, 0, height), output_size(window, 1, width), filters, sum_type(dtype));
  return {"conv2d",
          {{image_type(images, height, width, channels, dtype), halo}, {kernel, {}}},
          {y, {}},
          window_attributes(window, false)};
}

Contraction conv2d_backward_weights(Dim images, int64_t height, int64_t width, int64_t channels, int64_t filters,
                                    const Window &window, Halo halo, DType dtype) {
  Contraction forward = conv2d(images, height, width, channels, filters, window, halo, dtype);
  ValueLayout gradient = forward.result, kernel = forward.operands[1];
  gradient.type.dtype = dtype;
  kernel.type.dtype = sum_type(dtype);
  return {"conv2d_backward_weights", {forward.operands[0], gradient}, kernel, window_attributes(window, true)};
}

std::vector<int64_t> strides_of(const ValueLayout &layout) {
  const Shape &shape = layout.type.shape;
  std::vector<int64_t> strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis-- > 1;) {
    int64_t size = shape[axis].size;
    if (axis == 1) size += layout.halo.top + layout.halo.bottom;
    if (axis == 2) size += layout.halo.left + layout.halo.right;
    strides[axis - 1] = strides[axis] * size;
  }
  return strides;
}

int64_t first_element(const ValueLayout &layout) {
  if (layout.halo.empty()) return 0;
  std::vector<int64_t> strides = strides_of(layout);
  return layout.halo.top * strides[1] + layout.halo.left * strides[2];
}

int64_t stored_elements(const ValueLayout &layout, int64_t batch) {
  int64_t elements = strides_of(layout)[0];
  for (size_t axis = 1; axis < layout.type.shape.size(); ++axis)
    if (layout.type.shape[axis].batch) elements *= batch;
  return layout.type.shape[0].at(batch) * elements;
}

Compiled::Compiled(const Contraction &contraction, const Target &target) : contraction_(contraction) {
  OpDef definition;
  definition.name = contraction.op;
  Op op;
  op.def = &definition;
  op.attributes = contraction.attributes;
  lowering_ = plan_contraction(op, contraction.operands, contraction.result, target, contraction.constant_kernel);

  llvm::LLVMContext context;
  llvm::Module module("contraction", context);
  module.setTargetTriple(target.triple);
  module.setDataLayout(target.machine->createDataLayout());
  for (size_t i = 0; i < lowering_.stages.size(); ++i) {
    llvm::IRBuilder<> ir(context);
    auto *type = llvm::FunctionType::get(ir.getVoidTy(), {ir.getPtrTy(), ir.getInt64Ty()}, false);
    auto *function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "stage" + std::to_string(i), module);
    target.add_attributes(*function);
    ir.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));
    Emitter emitter(ir, target, contraction, lowering_.stages[i], function);
    lowering_.stages[i].emit(emitter);
    ir.CreateRetVoid();
  }
  llvm::raw_string_ostream text(ir_);
  module.print(text, nullptr);
  if (llvm::verifyModule(module, &llvm::errs())) stop(ir_);

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (target.machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    stop("no object file for " + target.triple);
  passes.run(module);
  object_ = test::load_object({object.begin(), object.end()}, {target.triple, target.cpu});
  for (size_t i = 0; i < lowering_.stages.size(); ++i)
    kernels_.push_back(object_->address("stage" + std::to_string(i)));
}

void Compiled::run(const void *a, const void *b, const void *bias, void *result, int64_t batch, bool backwards,
                   bool prepared) {
  // Guarded by a pattern behind the end of each piece; poisoned, so that what is read before it is written shows.
  constexpr size_t kGuard = 64;
  size_t pieces[] = {static_cast<size_t>(lowering_.scratch_fixed + lowering_.scratch_batch * batch),
                     static_cast<size_t>(lowering_.scratch_apart)};
  size_t all = pieces[0] + pieces[1] + 2 * kGuard;
  if (scratch_size_ != all) {
    scratch_.reset(poisoned(all));
    scratch_size_ = all;
  }
  char *start = scratch_.get();
  auto lend = [&](const void *memory, int64_t elements, DType dtype) {
    size_t size = static_cast<size_t>(elements) * byte_size(dtype);
    return reinterpret_cast<void *>(object_->lend(const_cast<void *>(memory), size));
  };
  auto lend_whole = [&](const void *memory, const ValueLayout &layout) {
    return lend(memory, stored_elements(layout, batch), layout.type.dtype);
  };
  const Type &sums = contraction_.result.type;
  Context context{{lend_whole(a, contraction_.operands[0]), lend_whole(b, contraction_.operands[1])},
                  lend(bias, sums.shape.back().at(batch), sums.dtype),
                  lend_whole(result, contraction_.result),
                  reinterpret_cast<void *>(object_->lend(start, all)),
                  batch,
                  nullptr};
  context.scratch_apart = static_cast<char *>(context.scratch) + pieces[0] + kGuard;
  uint64_t lent_context = object_->lend(&context, sizeof context);
  for (size_t i = 0; i < kernels_.size(); ++i) {
    const KernelStage &stage = lowering_.stages[i];
    bool prepares = stage.prepares && !lowering_.prepared_as.empty();
    if (prepares && prepared) continue;
    if (!prepares && (batch < stage.least_batch || batch > stage.most_batch)) continue;
    bool finer = batch == 1 && stage.units_per_chunk_of_one > 0;
    int64_t units_per_chunk = finer ? stage.units_per_chunk_of_one : stage.units_per_chunk;
    int64_t count = (stage.units.at(batch) + units_per_chunk - 1) / units_per_chunk;
    for (int64_t chunk = 0; chunk < count; ++chunk)
      object_->call(kernels_[i], lent_context, backwards ? count - 1 - chunk : chunk);
  }
  object_->take_back();
  for (size_t i = 0; i < kGuard; ++i)
    if (start[pieces[0] + i] != static_cast<char>(0xff) || start[all - 1 - i] != static_cast<char>(0xff))
      stop("scratch memory was written beyond its end");
}

}  // namespace netc::contraction_test
