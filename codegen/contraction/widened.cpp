#include "codegen/contraction/widened.h"

#include "codegen/bf16.h"
#include "codegen/contraction/common.h"
#include "codegen/contraction/substitute.h"
#include "codegen/kernel.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kElementsPerChunk = 16 * 1024;

// Elements [begin, end) of an operand, halo included.
void emit_widening(KernelEmitter &emitter, Value *from, Value *to, Value *begin, Value *end) {
  llvm::IRBuilder<> &ir = emitter.ir();
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

Substitute widened(const ValueLayout &layout, size_t operand) {
  Substitute wide{layout};
  wide.layout.type.dtype = DType::f32;
  wide.stage.suffix = "widen";
  wide.stage.units = stored_elements(layout);
  wide.stage.units_per_chunk = kElementsPerChunk;
  set_cost(wide.stage, 0.3);
  wide.copy = [operand, units = wide.stage.units](KernelEmitter &emitter, Value *to) {
    auto [begin, end] = units_of_chunk(emitter, units, kElementsPerChunk);
    emit_widening(emitter, first_stored(emitter, operand), to, begin, end);
  };
  return wide;
}

}  // namespace

ContractionLowering plan_widened(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result,
                                 const Target &target, bool constant_kernel) {
  Substitution wide{{widened(operands[0], 0), widened(operands[1], 1)}, target};
  if (constant_kernel) wide.prepared_as = "f32";
  std::vector<ValueLayout> layouts{wide.operands[0].layout, wide.operands[1].layout};
  return substitute(plan_contraction(op, layouts, result, target, constant_kernel), std::move(wide));
}

}  // namespace netc::contraction
