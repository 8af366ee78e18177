#include "codegen/contraction/common.h"

#include <algorithm>
#include <cmath>

namespace netc::contraction {

using llvm::Value;

llvm::Type *element_type(KernelEmitter &emitter, DType dtype) {
  if (dtype == DType::bf16) return emitter.ir().getInt16Ty();
  return dtype == DType::f64 ? emitter.ir().getDoubleTy() : emitter.ir().getFloatTy();
}

Value *dim_value(KernelEmitter &emitter, Dim dim) {
  return dim.batch ? scaled(emitter, emitter.batch(), dim.size)
                   : emitter.ir().getInt64(static_cast<uint64_t>(dim.size));
}

Value *on_stack(KernelEmitter &emitter, llvm::Type *element, int64_t count) {
  llvm::BasicBlock &entry = emitter.function()->getEntryBlock();
  llvm::IRBuilder<> ir(&entry, entry.begin());
  llvm::AllocaInst *memory = ir.CreateAlloca(element, ir.getInt64(static_cast<uint64_t>(count)));
  memory->setAlignment(llvm::Align(64));
  return memory;
}

Value *element_at(KernelEmitter &emitter, llvm::Type *element, Value *base, Value *offset) {
  return emitter.ir().CreateGEP(element, base, offset);
}

Value *scaled(KernelEmitter &emitter, Value *i, int64_t factor) {
  return factor == 1 ? i : emitter.ir().CreateMul(i, emitter.ir().getInt64(static_cast<uint64_t>(factor)));
}

IndexValue index_of(KernelEmitter &emitter, Value *variable, int64_t factor, int64_t constant) {
  if (variable == nullptr) return {nullptr, constant};
  if (auto *known = llvm::dyn_cast<llvm::ConstantInt>(variable))
    return {nullptr, known->getSExtValue() * factor + constant};
  return {scaled(emitter, variable, factor), constant};
}

void for_pieces(KernelEmitter &emitter, const Pieces &pieces, const std::function<void(Value *)> &body) {
  llvm::IRBuilder<> &ir = emitter.ir();
  for_range(emitter, ir.getInt64(pieces.first), ir.getInt64(pieces.first + pieces.size * pieces.count), pieces.size,
            body);
}

void for_range(KernelEmitter &emitter, Value *begin, Value *end, int64_t step,
               const std::function<void(Value *)> &body) {
  auto *first = llvm::dyn_cast<llvm::ConstantInt>(begin);
  auto *last = llvm::dyn_cast<llvm::ConstantInt>(end);
  if (first != nullptr && last != nullptr) {
    if (first->getSExtValue() >= last->getSExtValue()) return;
    if (first->getSExtValue() + step >= last->getSExtValue()) return body(begin);
  }
  emitter.loop(begin, end, step, body);
}

void when(KernelEmitter &emitter, Value *condition, const std::function<void()> &body) {
  llvm::IRBuilder<> &ir = emitter.ir();
  emitter.loop(ir.getInt64(0), ir.CreateZExt(condition, ir.getInt64Ty()), 1, [&](Value *) { body(); });
}

std::pair<Value *, Value *> units_of_chunk(KernelEmitter &emitter, Dim units, int64_t units_per_chunk) {
  llvm::IRBuilder<> &ir = emitter.ir();
  int64_t units_per_chunk_of_one = emitter.units_per_chunk_of_one();
  Value *size = ir.getInt64(static_cast<uint64_t>(units_per_chunk));
  if (units_per_chunk_of_one > 0)
    size = ir.CreateSelect(ir.CreateICmpEQ(emitter.batch(), ir.getInt64(1)),
                           ir.getInt64(static_cast<uint64_t>(units_per_chunk_of_one)), size);
  Value *begin = units_per_chunk_of_one > 0 ? ir.CreateMul(emitter.chunk(), size)
                                            : scaled(emitter, emitter.chunk(), units_per_chunk);
  Value *end = ir.CreateAdd(begin, size);
  return {begin, ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, dim_value(emitter, units))};
}

void for_units(KernelEmitter &emitter, Dim units, int64_t units_per_chunk, const std::function<void(Value *)> &body) {
  if (units_per_chunk == 1) return body(emitter.chunk());
  auto [begin, end] = units_of_chunk(emitter, units, units_per_chunk);
  emitter.loop(begin, end, 1, body);
}

void for_panels(KernelEmitter &emitter, const Panels &panels, Value *begin, Value *end,
                const std::function<void(const Panel &)> &body) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *whole_end = ir.getInt64(panels.rest_first());
  Value *rest_begin = whole_end;
  Value *rest_end = ir.getInt64(panels.columns);
  if (begin != nullptr) {
    whole_end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, whole_end, end);
    rest_begin = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, rest_begin, begin);
    rest_end = end;
  } else {
    begin = ir.getInt64(0);
  }
  if (panels.whole > 0)
    for_range(emitter, begin, whole_end, panels.width(), [&](Value *first) { body({first, panels.vectors, 0}); });
  if (panels.rest_vectors > 0)
    for_range(emitter, rest_begin, rest_end, panels.width(), [&](Value *first) {
      body({first, panels.rest_vectors, panels.rest_tail});
    });
}

void finish_tile(KernelEmitter &emitter, const Tile &tile, const Accumulators &sums, Value *first_column,
                 const std::function<std::vector<IndexValue>(size_t)> &index) {
  Value *mask = lane_mask(emitter.ir(), tile.lanes, tile.tail);
  for (size_t row = 0; row < sums.size(); ++row)
    for (unsigned v = 0; v < tile.vectors; ++v) {
      std::vector<IndexValue> place = index(row);
      place.push_back(index_of(emitter, first_column, 1, static_cast<int64_t>(v) * tile.lanes));
      emitter.finish(place, sums[row][v], v + 1 == tile.vectors ? mask : nullptr);
    }
  emitter.settle();
}

int64_t units_per_chunk(double multiply_adds_per_unit) {
  return std::max<int64_t>(1, std::llround(kChunkNanoseconds / std::max(nanoseconds(multiply_adds_per_unit), 1.0)));
}

double nanoseconds(double multiply_adds) { return 2 * multiply_adds / kOperationsPerNanosecond; }

void set_cost(KernelStage &stage, double nanoseconds_per_unit) {
  double all = nanoseconds_per_unit * static_cast<double>(stage.units.size);
  (stage.units.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) = all;
}

void cut_single_sample(KernelStage &stage, int64_t multiple) {
  constexpr double kChunk = 2500;  // nanoseconds
  constexpr int64_t kMostChunks = 8;
  if (!stage.units.batch) return;
  auto chunks = std::clamp<int64_t>(static_cast<int64_t>(stage.batch_nanoseconds / kChunk), 1, kMostChunks);
  int64_t units = (stage.units.size + chunks - 1) / chunks;
  units = std::max(units / multiple, int64_t{1}) * multiple;
  if (units < stage.units_per_chunk) stage.units_per_chunk_of_one = units;
}

}  // namespace netc::contraction
