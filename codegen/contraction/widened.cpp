#include "codegen/contraction/widened.h"

#include "codegen/bf16.h"
#include "codegen/contraction/common.h"
#include "codegen/kernel.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kElementsPerChunk = 16 * 1024;

int64_t aligned_bytes(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// The copies of both operands, one after the other, at the start of the scratch memory.
struct Copies {
  std::vector<ValueLayout> layouts;  // f32

  // Bytes of copy number `n`: so many, for each sample if the batch counts.
  Dim bytes(size_t n) const {
    Dim count = stored_elements(layouts[n]);
    return {aligned_bytes(count.size * 4), count.batch};
  }
  // Where copy number `n` starts; behind the last one for n = 2.
  Value *start(KernelEmitter &emitter, size_t n) const {
    Value *place = emitter.scratch();
    for (size_t before = 0; before < n; ++before)
      place = emitter.ir().CreateGEP(emitter.ir().getInt8Ty(), place, dim_value(emitter, bytes(before)));
    return place;
  }
};

// The same kernel with the copies for operands and what is behind them for scratch memory.
class WidenedEmitter final : public KernelEmitter {
 public:
  WidenedEmitter(KernelEmitter &emitter, const Copies &copies) : emitter_(emitter), scratch_(copies.start(emitter, 2)) {
    for (size_t n = 0; n < 2; ++n) {
      Address address = emitter.operand(n);
      int64_t inside = 0;
      if (!address.halo.empty())
        inside = address.halo.top * address.strides[1] + address.halo.left * address.strides[2];
      address.base =
          element_at(*this, ir().getFloatTy(), copies.start(emitter, n), ir().getInt64(static_cast<uint64_t>(inside)));
      address.dtype = DType::f32;
      address.alignment = 4;
      operands_.push_back(std::move(address));
    }
  }

  llvm::IRBuilder<> &ir() override { return emitter_.ir(); }
  const Target &target() const override { return emitter_.target(); }
  Value *context() override { return emitter_.context(); }
  Value *chunk() override { return emitter_.chunk(); }
  Value *batch() override { return emitter_.batch(); }
  const Address &operand(size_t operand) override { return operands_[operand]; }
  Value *scratch() override { return scratch_; }
  Value *scratch_apart() override { return emitter_.scratch_apart(); }
  int64_t units_per_chunk_of_one() const override { return emitter_.units_per_chunk_of_one(); }
  void finish(std::span<const IndexValue> index, Value *value, Value *mask) override {
    emitter_.finish(index, value, mask);
  }
  void settle() override { emitter_.settle(); }
  std::vector<Address> finished() override { return emitter_.finished(); }
  void loop(Value *begin, Value *end, int64_t step, const std::function<void(Value *)> &body) override {
    emitter_.loop(begin, end, step, body);
  }

 private:
  KernelEmitter &emitter_;
  Value *scratch_;
  std::vector<Address> operands_;
};

// Elements [begin, end) of an operand, halo included.
void emit_copy(KernelEmitter &emitter, const Copies &copies, size_t n, Value *begin, Value *end) {
  llvm::IRBuilder<> &ir = emitter.ir();
  const Address &address = emitter.operand(n);
  int64_t before = 0;
  if (!address.halo.empty()) before = address.halo.top * address.strides[1] + address.halo.left * address.strides[2];
  Value *from = element_at(emitter, ir.getInt16Ty(), address.base, ir.getInt64(static_cast<uint64_t>(-before)));
  Value *to = copies.start(emitter, n);
  unsigned lanes = emitter.target().lanes(DType::f32);
  auto piece = [&](Value *first, llvm::Type *type) {
    Value *narrow = ir.CreateAlignedLoad(type, element_at(emitter, ir.getInt16Ty(), from, first), llvm::Align(2));
    ir.CreateAlignedStore(emit_from_bf16(ir, narrow), element_at(emitter, ir.getFloatTy(), to, first), llvm::Align(4));
  };
  Value *whole = ir.CreateAnd(ir.CreateSub(end, begin), ir.getInt64(~static_cast<uint64_t>(lanes - 1)));
  Value *middle = ir.CreateAdd(begin, whole);
  emitter.loop(begin, middle, lanes, [&](Value *i) { piece(i, llvm::FixedVectorType::get(ir.getInt16Ty(), lanes)); });
  emitter.loop(middle, end, 1, [&](Value *i) { piece(i, ir.getInt16Ty()); });
}

}  // namespace

ContractionLowering plan_widened(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result,
                                 const Target &target) {
  Copies copies{{operands.begin(), operands.end()}};
  for (ValueLayout &layout : copies.layouts) layout.type.dtype = DType::f32;
  ContractionLowering inner = plan_contraction(op, copies.layouts, result, target);
  ContractionLowering lowering{inner.scratch_fixed, inner.scratch_batch, inner.scratch_apart, {}};
  for (size_t n = 0; n < copies.layouts.size(); ++n) {
    Dim bytes = copies.bytes(n);
    (bytes.batch ? lowering.scratch_batch : lowering.scratch_fixed) += bytes.size;
    KernelStage stage;
    stage.suffix = "widen";
    stage.units = stored_elements(copies.layouts[n]);
    stage.units_per_chunk = kElementsPerChunk;
    set_cost(stage, 0.3);
    stage.emit = [copies, n, units = stage.units](KernelEmitter &emitter) {
      llvm::IRBuilder<> &ir = emitter.ir();
      Value *begin = scaled(emitter, emitter.chunk(), kElementsPerChunk);
      Value *end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateAdd(begin, ir.getInt64(kElementsPerChunk)),
                                            dim_value(emitter, units));
      emit_copy(emitter, copies, n, begin, end);
    };
    lowering.stages.push_back(std::move(stage));
  }
  for (KernelStage &stage : inner.stages) {
    stage.emit = [copies, emit = std::move(stage.emit)](KernelEmitter &emitter) {
      WidenedEmitter widened(emitter, copies);
      emit(widened);
    };
    lowering.stages.push_back(std::move(stage));
  }
  return lowering;
}

}  // namespace netc::contraction
