#include "codegen/contraction/paired.h"

#include <algorithm>

#include "codegen/contraction/common.h"
#include "codegen/contraction/substitute.h"
#include "codegen/kernel.h"
#include "ir/op.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kPairsPerChunk = 16 * 1024;
constexpr double kPairNanoseconds = 0.15;  // to copy one
constexpr unsigned kCopiedLanes = 16;

// An operand as [outer][lines][elements], whose lines are paired: 2i with 2i + 1, the last of an odd number with zeros.
struct PairedLines {
  size_t operand = 0;
  Dim outer;
  int64_t lines = 1;  // 0: as many as the batch
  int64_t elements = 1;

  int64_t pairs() const { return (lines + 1) / 2; }
};

// Two lines of bf16, or one and zeros, as one of pairs.
void emit_pairs_of_line(KernelEmitter &emitter, Value *first, Value *second, Value *to, int64_t elements) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto *narrow = llvm::FixedVectorType::get(ir.getInt16Ty(), kCopiedLanes);
  auto *wide = llvm::FixedVectorType::get(ir.getInt32Ty(), kCopiedLanes);
  auto piece = [&](Value *i, Value *mask) {
    auto half = [&](Value *line) {
      return ir.CreateZExt(load_lanes(ir, narrow, element_at(emitter, ir.getInt16Ty(), line, i), mask), wide);
    };
    Value *pairs = half(first);
    if (second != nullptr) pairs = ir.CreateOr(pairs, ir.CreateShl(half(second), 16));
    store_lanes(ir, pairs, element_at(emitter, ir.getInt32Ty(), to, i), mask);
  };
  int64_t whole = elements / kCopiedLanes * kCopiedLanes;
  auto number = [&](int64_t n) { return ir.getInt64(static_cast<uint64_t>(n)); };
  for_range(emitter, number(0), number(whole), kCopiedLanes, [&](Value *i) { piece(i, nullptr); });
  if (elements > whole) piece(number(whole), lane_mask(ir, kCopiedLanes, static_cast<unsigned>(elements - whole)));
}

// A line whose neighbouring elements are pairs as they are, and one is left at the end.
void emit_odd_line(KernelEmitter &emitter, Value *line, Value *to, int64_t elements) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto number = [&](int64_t n) { return ir.getInt64(static_cast<uint64_t>(n)); };
  int64_t last = elements - 1;
  ir.CreateMemCpy(to, llvm::MaybeAlign(4), line, llvm::MaybeAlign(2), static_cast<uint64_t>(2 * last));
  Value *left =
      ir.CreateAlignedLoad(ir.getInt16Ty(), element_at(emitter, ir.getInt16Ty(), line, number(last)), llvm::Align(2));
  ir.CreateAlignedStore(ir.CreateZExt(left, ir.getInt32Ty()), element_at(emitter, ir.getInt16Ty(), to, number(last)),
                        llvm::Align(4));
}

// Pair of lines number `unit`, counted over all of `outer`.
void emit_pair(KernelEmitter &emitter, const PairedLines &paired, Value *unit, Value *to) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto number = [&](int64_t n) { return ir.getInt64(static_cast<uint64_t>(n)); };
  Value *line = scaled(emitter, unit, 2), *missing = nullptr;
  if (paired.lines == 0) {
    missing = ir.CreateICmpEQ(ir.CreateAdd(line, number(1)), emitter.batch());
  } else if (paired.lines % 2 == 1) {
    Value *pair = ir.CreateURem(unit, number(paired.pairs()));
    line = ir.CreateSub(line, ir.CreateUDiv(unit, number(paired.pairs())));
    missing = ir.CreateICmpEQ(pair, number(paired.pairs() - 1));
  }
  Value *first = first_stored(emitter, paired.operand);
  first = element_at(emitter, ir.getInt16Ty(), first, scaled(emitter, line, paired.elements));
  Value *second = element_at(emitter, ir.getInt16Ty(), first, number(paired.elements));
  to = element_at(emitter, ir.getInt32Ty(), to, scaled(emitter, unit, paired.elements));
  if (missing == nullptr) return emit_pairs_of_line(emitter, first, second, to, paired.elements);
  when(emitter, ir.CreateNot(missing), [&] { emit_pairs_of_line(emitter, first, second, to, paired.elements); });
  when(emitter, missing, [&] { emit_pairs_of_line(emitter, first, nullptr, to, paired.elements); });
}

// The whole lines [begin, end) of an odd number of elements each, which are paired.
void emit_odd_lines(KernelEmitter &emitter, const PairedLines &paired, Value *begin, Value *end, Value *to) {
  llvm::IRBuilder<> &ir = emitter.ir();
  emitter.loop(begin, end, 1, [&](Value *line) {
    Value *from = element_at(emitter, ir.getInt16Ty(), first_stored(emitter, paired.operand),
                             scaled(emitter, line, paired.lines));
    emit_odd_line(emitter, from, element_at(emitter, ir.getInt32Ty(), to, scaled(emitter, line, paired.pairs())),
                  paired.lines);
  });
}

Dim halved(Dim size) { return size == kBatch ? size : Dim{(size.size + 1) / 2, size.batch}; }

bool can_pair(const ValueLayout &layout, size_t axis) {
  const Shape &shape = layout.type.shape;
  bool others_are_fixed = std::none_of(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end(),
                                       [](Dim dim) { return dim.batch; });
  return others_are_fixed && !shape[axis].is_one() && (axis == 0 || !shape[axis].batch);
}

Substitute pair_along(const ValueLayout &layout, size_t axis, size_t operand) {
  Substitute paired{layout};
  paired.layout.type.dtype = DType::f32;
  Dim &size = paired.layout.type.shape[axis];
  const Dim before = size;
  size = halved(size);
  Dim stride = strides_of(layout)[axis], all = stored_elements(layout);
  PairedLines lines{operand, {1, false}, before == kBatch ? 0 : before.size, stride.size};
  bool as_they_lie = stride.is_one() && before.size % 2 == 0;
  if (as_they_lie) return paired;
  if (before != kBatch) lines.outer = {all.size / (lines.lines * lines.elements), all.batch};

  KernelStage &stage = paired.stage;
  stage.suffix = "pair";
  bool along_lines = stride.is_one() && before != kBatch;  // a unit is a line, not a pair of lines
  int64_t of_unit = along_lines ? lines.pairs() : lines.elements;
  stage.units = along_lines ? lines.outer : Dim{lines.outer.size * lines.pairs(), lines.outer.batch};
  stage.units_per_chunk = std::max<int64_t>(1, kPairsPerChunk / of_unit);
  set_cost(stage, kPairNanoseconds * static_cast<double>(of_unit));
  int64_t group = stage.units_per_chunk;
  if (before == kBatch) {  // the units of a stage are counted in samples
    stage.units = kBatch;
    stage.units_per_chunk *= 2;
    set_cost(stage, kPairNanoseconds * static_cast<double>(of_unit) / 2);
  }
  paired.copy = [lines, along_lines, units = stage.units, group](KernelEmitter &emitter, Value *to) {
    llvm::IRBuilder<> &ir = emitter.ir();
    Value *all = dim_value(emitter, units);
    if (lines.lines == 0) all = ir.CreateLShr(ir.CreateAdd(all, ir.getInt64(1)), 1);
    Value *begin = scaled(emitter, emitter.chunk(), group);
    Value *end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin,
                                          ir.CreateAdd(begin, ir.getInt64(static_cast<uint64_t>(group))), all);
    if (along_lines) return emit_odd_lines(emitter, lines, begin, end, to);
    emitter.loop(begin, end, 1, [&](Value *unit) { emit_pair(emitter, lines, unit, to); });
  };
  return paired;
}

// The axes of both operands that are summed over, or that of images; nothing for sums over something else.
std::optional<std::pair<size_t, size_t>> summed_axes(const Op &op, std::span<const ValueLayout> operands) {
  if (op.def->name == "matmul")
    return std::pair<size_t, size_t>(op.get<bool>("transpose_a") ? 0 : 1, op.get<bool>("transpose_b") ? 1 : 0);
  if (op.def->name == "conv2d_backward_weights") return std::pair<size_t, size_t>(0, 0);
  int64_t groups = op.get<int64_t>("groups"), channels = operands[1].type.shape[2].size;
  if (groups > 1 && channels % 2 == 1) return std::nullopt;
  return std::pair<size_t, size_t>(3, 2);
}

}  // namespace

std::optional<ContractionLowering> plan_paired(const Op &op, std::span<const ValueLayout> operands,
                                               const ValueLayout &result, const Target &target, bool constant_kernel) {
  auto axes = summed_axes(op, operands);
  if (!axes || !can_pair(operands[0], axes->first) || !can_pair(operands[1], axes->second)) return std::nullopt;
  Substitution paired{{pair_along(operands[0], axes->first, 0), pair_along(operands[1], axes->second, 1)}, target};
  paired.target.multiplies_pairs = true;
  paired.target.winograd = Winograd::never;
  paired.halves_batch = operands[0].type.shape[axes->first] == kBatch;
  if (constant_kernel) paired.prepared_as = "pairs";
  std::vector<ValueLayout> layouts{paired.operands[0].layout, paired.operands[1].layout};
  ContractionLowering inner = plan_contraction(op, layouts, result, paired.target, constant_kernel);
  return substitute(std::move(inner), std::move(paired));
}

}  // namespace netc::contraction
