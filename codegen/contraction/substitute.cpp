#include "codegen/contraction/substitute.h"

#include <memory>

#include "codegen/contraction/common.h"
#include "codegen/kernel.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kElementBytes = 4;

int64_t halo_elements(const Address &address) {
  if (address.halo.empty()) return 0;
  return address.halo.top * address.strides[1] + address.halo.left * address.strides[2];
}

// Where the copies are. One of operand 1 that does not grow with the batch lies at the start of the memory apart, the
// others one after the other at the start of the scratch memory.
class Copies {
 public:
  explicit Copies(Substitution substitution) : substitution_(std::move(substitution)) {}

  const Substitution &substitution() const { return substitution_; }
  bool apart(size_t n) const { return n == 1 && copied(n) && !bytes(n).batch; }
  int64_t apart_bytes() const { return apart(1) ? bytes(1).size : 0; }
  Dim scratch_bytes(size_t n) const { return copied(n) && !apart(n) ? bytes(n) : Dim{0, false}; }

  // For a stage whose part of the memory apart begins at `apart_at`.
  Value *place(KernelEmitter &emitter, size_t n, int64_t apart_at) const {
    llvm::IRBuilder<> &ir = emitter.ir();
    if (apart(n))
      return ir.CreateConstGEP1_64(ir.getInt8Ty(), emitter.scratch_apart(), static_cast<uint64_t>(-apart_at));
    return behind(emitter, n);
  }
  // Behind the copies in scratch memory of the operands before `n`.
  Value *behind(KernelEmitter &emitter, size_t n) const {
    Value *place = emitter.scratch();
    for (size_t before = 0; before < n; ++before)
      if (Dim size = scratch_bytes(before); size.size > 0)
        place = emitter.ir().CreateGEP(emitter.ir().getInt8Ty(), place, dim_value(emitter, size));
    return place;
  }

  bool copied(size_t n) const { return substitution_.operands[n].copy != nullptr; }

 private:
  Dim bytes(size_t n) const {
    Dim count = stored_elements(substitution_.operands[n].layout);
    return {(count.size * kElementBytes + 63) / 64 * 64, count.batch};
  }

  Substitution substitution_;
};

// The same kernel with the substitutes for operands, and what is behind them for scratch memory.
class SubstitutingEmitter final : public KernelEmitter {
 public:
  SubstitutingEmitter(KernelEmitter &emitter, const Copies &copies, int64_t apart_at)
      : emitter_(emitter),
        substitution_(copies.substitution()),
        scratch_(copies.behind(emitter, substitution_.operands.size())),
        batch_(emitter.batch()) {
    if (substitution_.halves_batch) batch_ = ir().CreateLShr(ir().CreateAdd(batch_, ir().getInt64(1)), 1);
    for (size_t n = 0; n < substitution_.operands.size(); ++n) {
      const ValueLayout &layout = substitution_.operands[n].layout;
      Address address{emitter.operand(n).base, layout.type.dtype, layout.type.shape, layout.halo, {},
                      uint64_t{kElementBytes}};
      for (Dim stride : strides_of(layout)) address.strides.push_back(stride.size);
      if (copies.copied(n))
        address.base = element_at(*this, ir().getFloatTy(), copies.place(emitter, n, apart_at),
                                  ir().getInt64(static_cast<uint64_t>(halo_elements(address))));
      operands_.push_back(std::move(address));
    }
  }

  llvm::IRBuilder<> &ir() override { return emitter_.ir(); }
  const Target &target() const override { return substitution_.target; }
  Value *context() override { return emitter_.context(); }
  Value *chunk() override { return emitter_.chunk(); }
  Value *batch() override { return batch_; }
  const Address &operand(size_t operand) override { return operands_[operand]; }
  Value *scratch() override { return scratch_; }
  Value *scratch_apart() override { return emitter_.scratch_apart(); }
  int64_t units_per_chunk_of_one() const override { return emitter_.units_per_chunk_of_one(); }
  void finish(std::span<const IndexValue> index, Value *value, Value *mask, size_t lane_axis) override {
    emitter_.finish(index, value, mask, lane_axis);
  }
  void settle() override { emitter_.settle(); }
  std::vector<Address> finished() override { return emitter_.finished(); }
  void loop(Value *begin, Value *end, int64_t step, const std::function<void(Value *)> &body) override {
    emitter_.loop(begin, end, step, body);
  }

 private:
  KernelEmitter &emitter_;
  const Substitution &substitution_;
  Value *scratch_, *batch_;
  std::vector<Address> operands_;
};

// A stage over pairs of samples as one over samples.
void double_batch(KernelStage &stage) {
  stage.least_batch = 2 * stage.least_batch - 1;
  if (stage.most_batch != kAnyBatch) stage.most_batch *= 2;
  stage.batch_nanoseconds /= 2;
  // The kernel could not tell a batch of two from one.
  stage.units_per_chunk_of_one = 0;
  if (stage.units.batch) stage.units_per_chunk *= 2;
}

}  // namespace

Value *first_stored(KernelEmitter &emitter, size_t operand) {
  const Address &address = emitter.operand(operand);
  return element_at(emitter, element_type(emitter, address.dtype), address.base,
                    emitter.ir().getInt64(static_cast<uint64_t>(-halo_elements(address))));
}

ContractionLowering substitute(ContractionLowering inner, Substitution substitution) {
  auto copies = std::make_shared<const Copies>(std::move(substitution));
  const Substitution &made = copies->substitution();
  ContractionLowering lowering{inner.scratch_fixed, inner.scratch_batch, inner.scratch_apart + copies->apart_bytes()};
  bool prepared = !made.prepared_as.empty() && copies->apart(1);
  if (prepared) lowering.prepared_as = made.prepared_as;
  if (!inner.prepared_as.empty()) lowering.prepared_as += (prepared ? " and " : "") + inner.prepared_as;
  for (size_t n = 0; n < made.operands.size(); ++n) {
    if (!copies->copied(n)) continue;
    Dim bytes = copies->scratch_bytes(n);
    (bytes.batch ? lowering.scratch_batch : lowering.scratch_fixed) += bytes.size;
    KernelStage stage = made.operands[n].stage;
    stage.prepares = prepared && copies->apart(n);
    stage.emit = [copies, n](KernelEmitter &emitter) {
      copies->substitution().operands[n].copy(emitter, copies->place(emitter, n, 0));
    };
    lowering.stages.push_back(std::move(stage));
  }
  for (KernelStage &stage : inner.stages) {
    stage.apart_at += copies->apart_bytes();
    if (made.halves_batch) double_batch(stage);
    stage.emit = [copies, apart_at = stage.apart_at, emit = std::move(stage.emit)](KernelEmitter &emitter) {
      SubstitutingEmitter substituting(emitter, *copies, apart_at);
      emit(substituting);
    };
    lowering.stages.push_back(std::move(stage));
  }
  return lowering;
}

}  // namespace netc::contraction
