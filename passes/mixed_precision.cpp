// Where the module says so (Precision::bf16), contractions multiply bf16 numbers, and what is moved about between
// activations -- pooled, transposed, joined, seen in another shape -- is bf16 too. Weights, sums and everything
// elementwise stay f32: the rounding is written out as casts, so that the graph still says what is computed.
//
// Why: bf16 halves the memory traffic, and processors with matrix units multiply it many times as fast as f32. The
// exponent of bf16 is that of f32, so gradients need no scaling.
//
// Before: composites are decomposed, gradients expanded. After: no contraction has f32 operands; they still give f32
// (ops.md). A weight is cast once a function, which `prepare-weights` moves out of inference. What elementwise kernels
// store is narrowed later, by `narrow-values`. Whatever the precision is, reductions of bf16 values are summed in f32.
//
// Micikevicius et al., "Mixed Precision Training", ICLR 2018.
#include <algorithm>
#include <map>

#include "ir/emit.h"
#include "passes/activations.h"
#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

// Ops that compute nothing, or so little that rounding before is as good as behind.
bool moves(const Op &op) {
  static constexpr std::string_view kMoves[] = {
      "reshape", "transpose",  "reverse",        "concatenate",         "slice",
      "pad",     "max_pool2d", "average_pool2d", "max_pool2d_backward", "average_pool2d_backward"};
  return std::ranges::find(kMoves, op.def->name) != std::end(kMoves);
}

class Mixer {
 public:
  Mixer(const Module &module, const Function &function)
      : function_(function),
        all_(module.precision == Precision::bf16),
        activations_(find_activations(function)),
        rewriter_(module, function) {}

  Function run() {
    for (const Op &op : function_.ops) {
      builder().set_location(op.location);
      if (op.def->op_class == OpClass::reduction && type(op.operands[0]).dtype == DType::bf16)
        sum_in_f32(op);
      else if (all_ && op.def->op_class == OpClass::contraction && type(op.operands[0]).dtype == DType::f32)
        multiply_bf16(op);
      else if (all_ && moves(op) && moves_activations(op))
        move_bf16(op);
      else
        rewriter_.copy(op);
    }
    return rewriter_.finish();
  }

 private:
  Builder &builder() { return rewriter_.builder(); }
  const Type &type(ValueId old) const { return function_.type(old); }

  void sum_in_f32(const Op &op) {
    ValueId wide = emit::cast(builder(), rewriter_.map(op.operands[0]), DType::f32);
    ValueId result = builder().emit(op.def->name, {wide}, op.attributes);
    rewriter_.replace(op.results[0], emit::cast(builder(), result, type(op.results[0]).dtype));
  }

  void multiply_bf16(const Op &op) {
    std::vector<ValueId> operands;
    for (ValueId operand : op.operands) operands.push_back(narrowed(rewriter_.map(operand)));
    rewriter_.replace(op.results[0], builder().emit(op.def->name, std::move(operands), op.attributes));
  }

  bool moves_activations(const Op &op) const {
    return std::ranges::all_of(
        op.operands, [&](ValueId operand) { return activations_[operand] && is_large_activation(type(operand)); });
  }

  void move_bf16(const Op &op) {
    std::vector<ValueId> operands;
    for (ValueId operand : op.operands) operands.push_back(narrowed(rewriter_.map(operand)));
    ValueId moved = builder().emit(op.def->name, std::move(operands), op.attributes);
    ValueId wide = emit::cast(builder(), moved, DType::f32);
    narrow_[wide] = moved;
    rewriter_.replace(op.results[0], wide);
  }

  // A value of the new function as bf16; made at its first use.
  ValueId narrowed(ValueId wide) {
    if (builder().type(wide).dtype == DType::bf16) return wide;
    auto known = narrow_.find(wide);
    if (known != narrow_.end()) return known->second;
    // The turned kernel of a gradient is made from the cast kernel of the forward convolution.
    const Op *maker = maker_of(wide);
    ValueId narrow = kNoValue;
    if (maker != nullptr && moves(*maker) && maker->operands.size() == 1) {
      const Op op = *maker;
      narrow = builder().emit(op.def->name, {narrowed(op.operands[0])}, op.attributes);
    } else {
      narrow = emit::cast(builder(), wide, DType::bf16);
    }
    return narrow_[wide] = narrow;
  }

  const Op *maker_of(ValueId value) {
    const std::vector<Op> &ops = builder().function().ops;
    for (; seen_ < ops.size(); ++seen_)
      for (ValueId result : ops[seen_].results) makers_[result] = seen_;
    auto found = makers_.find(value);
    return found == makers_.end() ? nullptr : &ops[found->second];
  }

  const Function &function_;
  const bool all_;
  const std::vector<bool> activations_;
  Rewriter rewriter_;
  std::map<ValueId, ValueId> narrow_;  // by value of the new function: the same as bf16
  std::map<ValueId, size_t> makers_;
  size_t seen_ = 0;
};

bool concerns(const Module &module, const Function &function) {
  return std::ranges::any_of(function.ops, [&](const Op &op) {
    if (op.operands.empty()) return false;
    DType dtype = function.type(op.operands[0]).dtype;
    if (op.def->op_class == OpClass::reduction) return dtype == DType::bf16;
    return op.def->op_class == OpClass::contraction && dtype == DType::f32 && module.precision == Precision::bf16;
  });
}

}  // namespace

void mix_precision(Module &module) {
  for (Function &function : module.functions)
    if (concerns(module, function)) function = Mixer(module, function).run();
}

}  // namespace netc
