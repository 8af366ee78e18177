#include "codegen/contraction/matrix_unit.h"

#include <llvm/IR/IntrinsicsX86.h>

#include "codegen/contraction/common.h"
#include "codegen/contraction/transpose.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kLeastTileSteps = 8;
constexpr int64_t kRowsTogether = 4;       // through the epilogue
constexpr int64_t kStraightTileSteps = 6;  // instructions' worth of steps in a row without a loop

// Registers.
constexpr uint8_t kSums = 0;  // + 2 * tile of rows + tile of columns
constexpr uint8_t kRows = 4;
constexpr uint8_t kColumns = 6;

}  // namespace

int64_t tile_steps(int64_t steps) {
  for (int64_t part = kTileSteps; part >= kLeastTileSteps; part -= 2)
    if (steps % part == 0) return part;
  return 0;
}

MatrixUnit::MatrixUnit(KernelEmitter &emitter) : emitter_(emitter) {}

Value *MatrixUnit::stack(int64_t bytes) { return on_stack(emitter_, emitter_.ir().getInt8Ty(), bytes); }

Value *MatrixUnit::stack_sums() {
  if (sums_ == nullptr) sums_ = stack(2 * kTileRows * kSumsStride);
  return sums_;
}

// The 64 bytes of LDTILECFG: palette, 15 zeros, bytes in a row of each of 16 registers (16 bits), rows of each (8
// bits).
void MatrixUnit::configure(Value *first_rows, Value *second_rows, int64_t steps) {
  constexpr int64_t kBytes = 64, kRowBytesAt = 16, kRowsAt = 48;
  if (configuration_ == nullptr) configuration_ = stack(kBytes);
  ir().CreateMemSet(configuration_, ir().getInt8(0), kBytes, llvm::MaybeAlign(64));
  ir().CreateStore(ir().getInt8(1), configuration_);
  auto set = [&](uint8_t tile, int64_t row_bytes, Value *rows) {
    ir().CreateStore(ir().getInt16(static_cast<uint16_t>(row_bytes)),
                     at(configuration_, number(kRowBytesAt + 2 * tile)));
    ir().CreateStore(ir().CreateTrunc(rows, ir().getInt8Ty()), at(configuration_, number(kRowsAt + tile)));
  };
  for (uint8_t column : {0, 1}) {
    set(kSums + column, kTileColumns * 4, first_rows);
    set(kSums + 2 + column, kTileColumns * 4, second_rows);
    set(kColumns + column, kTileColumns * 4, number(steps / 2));
  }
  set(kRows, steps * 2, first_rows);
  set(kRows + 1, steps * 2, second_rows);
  ir().CreateIntrinsic(llvm::Intrinsic::x86_ldtilecfg, {}, {configuration_});
}

void MatrixUnit::release() { ir().CreateIntrinsic(llvm::Intrinsic::x86_tilerelease, {}, {}); }

void MatrixUnit::multiply(const TileBlock &block, Value *sums, Value *sums_stride, bool continues) {
  auto for_sums = [&](const auto &body) {
    for (size_t row = 0; row < block.a.size(); ++row)
      for (size_t column = 0; column < block.b.size(); ++column) {
        Value *place = ir().CreateMul(sums_stride, number(static_cast<int64_t>(row) * kTileRows));
        place = ir().CreateAdd(place, number(static_cast<int64_t>(column) * kTileColumns * 4));
        body(ir().getInt8(static_cast<uint8_t>(kSums + 2 * row + column)), at(sums, place));
      }
  };
  for_sums([&](Value *tile, Value *place) {
    if (continues)
      ir().CreateIntrinsic(llvm::Intrinsic::x86_tileloadd64, {}, {tile, place, sums_stride});
    else
      ir().CreateIntrinsic(llvm::Intrinsic::x86_tilezero, {}, {tile});
  });
  nest(block, 0, number(0), number(0));
  for_sums([&](Value *tile, Value *place) {
    ir().CreateIntrinsic(llvm::Intrinsic::x86_tilestored64, {}, {tile, place, sums_stride});
  });
}

void MatrixUnit::nest(const TileBlock &block, size_t depth, Value *a_offset, Value *b_offset) {
  if (depth == block.loops.size()) return step(block, a_offset, b_offset);
  const TileLoop &loop = block.loops[depth];
  auto turn = [&](Value *i) {
    nest(block, depth + 1, ir().CreateAdd(a_offset, ir().CreateMul(i, loop.a_step)),
         ir().CreateAdd(b_offset, ir().CreateMul(i, loop.b_step)));
  };
  int64_t steps = 1;  // from here on; where it is not known, too many
  for (size_t inner = depth; inner < block.loops.size(); ++inner) {
    auto *count = llvm::dyn_cast<llvm::ConstantInt>(block.loops[inner].count);
    steps *=
        count == nullptr ? kStraightTileSteps + 1 : std::min<int64_t>(count->getSExtValue(), kStraightTileSteps + 1);
  }
  if (steps > kStraightTileSteps) return emitter_.loop(number(0), loop.count, 1, turn);
  int64_t count = llvm::cast<llvm::ConstantInt>(loop.count)->getSExtValue();
  for (int64_t i = 0; i < count; ++i) turn(number(i));
}

void MatrixUnit::step(const TileBlock &block, Value *a_offset, Value *b_offset) {
  auto tile = [&](size_t first, size_t n) { return ir().getInt8(static_cast<uint8_t>(first + n)); };
  auto load_rows = [&](size_t n) {
    ir().CreateIntrinsic(llvm::Intrinsic::x86_tileloadd64, {},
                         {tile(kRows, n), at(block.a[n], a_offset), block.a_stride});
  };
  auto load_columns = [&](size_t n) {
    ir().CreateIntrinsic(llvm::Intrinsic::x86_tileloadd64, {},
                         {tile(kColumns, n), at(block.b[n], b_offset), number(kTileColumns * 4)});
  };
  auto multiply = [&](size_t row, size_t column) {
    ir().CreateIntrinsic(llvm::Intrinsic::x86_tdpbf16ps, {},
                         {tile(kSums, 2 * row + column), tile(kRows, row), tile(kColumns, column)});
  };
  load_rows(0);
  load_columns(0);
  multiply(0, 0);
  if (block.b.size() > 1) {
    load_columns(1);
    multiply(0, 1);
  }
  if (block.a.size() > 1) {
    load_rows(1);
    multiply(1, 0);
    if (block.b.size() > 1) multiply(1, 1);
  }
}

namespace {

// One block of columns of a transposed matrix: pairs of steps are moved like floats.
void emit_turned_block(KernelEmitter &emitter, const PackedColumns &packed, Value *block) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto number = [&](int64_t i) { return ir.getInt64(static_cast<uint64_t>(i)); };
  Value *to =
      element_at(emitter, ir.getInt8Ty(), emitter.scratch_apart(), scaled(emitter, block, packed.block_bytes()));
  Value *first = scaled(emitter, block, kTileColumns), *pairs = number(packed.steps / 2);
  Value *end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateAdd(first, number(kTileColumns)),
                                        number(packed.columns));
  emit_transpose(emitter,
                 {DType::f32, packed.columns, kTileColumns, first, end, emitter.operand(1).base, to, pairs, pairs});
}

// Pairs of steps [begin, end) of all blocks.
void emit_pairs_of_blocks(KernelEmitter &emitter, const PackedColumns &packed, Value *begin, Value *end) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto number = [&](int64_t i) { return ir.getInt64(static_cast<uint64_t>(i)); };
  Value *from = emitter.operand(1).base, *to = emitter.scratch_apart();
  int64_t whole = packed.columns / kTileColumns;
  Value *rest = columns_inside(emitter, packed.columns, number(whole));
  emitter.loop(begin, end, 1, [&](Value *pair) {
    Value *first = element_at(emitter, ir.getInt16Ty(), from, scaled(emitter, pair, 2 * packed.columns));
    Value *of_pair = element_at(emitter, ir.getInt8Ty(), to, scaled(emitter, pair, 4 * kTileColumns));
    auto block = [&](Value *n, Value *inside) {
      Value *line = element_at(emitter, ir.getInt16Ty(), first, scaled(emitter, n, kTileColumns));
      emit_pairs(emitter, line, element_at(emitter, ir.getInt16Ty(), line, number(packed.columns)), inside,
                 element_at(emitter, ir.getInt8Ty(), of_pair, scaled(emitter, n, packed.block_bytes())));
    };
    for_range(emitter, number(0), number(whole), 1, [&](Value *n) { block(n, nullptr); });
    if (rest != nullptr) block(number(whole), rest);
  });
}

}  // namespace

Value *columns_inside(KernelEmitter &emitter, int64_t columns, Value *block) {
  llvm::IRBuilder<> &ir = emitter.ir();
  if (columns % kTileColumns == 0) return nullptr;
  std::vector<llvm::Constant *> lanes;
  for (uint64_t lane = 0; lane < kTileColumns; ++lane) lanes.push_back(ir.getInt64(lane));
  Value *left = ir.CreateSub(ir.getInt64(static_cast<uint64_t>(columns)), scaled(emitter, block, kTileColumns));
  return ir.CreateICmpSLT(llvm::ConstantVector::get(lanes), ir.CreateVectorSplat(kTileColumns, left));
}

void emit_pairs(KernelEmitter &emitter, Value *first, Value *second, Value *inside, Value *to) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto *line = llvm::FixedVectorType::get(ir.getInt16Ty(), kTileColumns);
  auto load = [&](Value *pointer) -> Value * {
    if (pointer == nullptr) return llvm::Constant::getNullValue(line);
    if (inside == nullptr) return ir.CreateAlignedLoad(line, pointer, llvm::Align(2));
    return ir.CreateMaskedLoad(line, pointer, llvm::Align(2), inside, llvm::Constant::getNullValue(line));
  };
  std::vector<int> pairs;
  for (int column = 0; column < kTileColumns; ++column) pairs.insert(pairs.end(), {column, column + 16});
  ir.CreateAlignedStore(ir.CreateShuffleVector(load(first), load(second), pairs), to, llvm::Align(64));
}

void add_packing_stage(ContractionLowering &lowering, const PackedColumns &packed, bool constant_kernel) {
  lowering.scratch_apart = packed.bytes();
  if (constant_kernel) lowering.prepared_as = packed.transposed ? "turned tiles" : "tiles";
  KernelStage stage;
  stage.suffix = "pack";
  stage.prepares = true;
  stage.units = {packed.transposed ? packed.blocks() : packed.steps / 2, false};
  double nanoseconds_of_unit = static_cast<double>(packed.bytes()) / static_cast<double>(stage.units.size) / 15;
  stage.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(kChunkNanoseconds / nanoseconds_of_unit));
  set_cost(stage, nanoseconds_of_unit);
  stage.emit = [packed, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    if (packed.transposed)
      return for_units(emitter, units, group, [&](Value *block) { emit_turned_block(emitter, packed, block); });
    auto [begin, end] = units_of_chunk(emitter, units, group);
    emit_pairs_of_blocks(emitter, packed, begin, end);
  };
  lowering.stages.push_back(std::move(stage));
}

void finish_rows(KernelEmitter &emitter, Value *sums, Value *begin, Value *end, Value *column, int64_t columns,
                 const std::function<std::vector<IndexValue>(Value *)> &index) {
  llvm::IRBuilder<> &ir = emitter.ir();
  auto *vector = llvm::FixedVectorType::get(ir.getFloatTy(), kTileColumns);
  auto finish = [&](Value *row) {
    Value *line = element_at(emitter, ir.getInt8Ty(), sums, scaled(emitter, row, MatrixUnit::kSumsStride));
    for (int64_t first = 0; first < columns; first += kTileColumns) {
      std::vector<IndexValue> place = index(row);
      place.push_back(index_of(emitter, column, 1, first));
      Value *pointer = element_at(emitter, ir.getFloatTy(), line, ir.getInt64(static_cast<uint64_t>(first)));
      unsigned inside = static_cast<unsigned>(std::min(kTileColumns, columns - first));
      emitter.finish(place, ir.CreateAlignedLoad(vector, pointer, llvm::Align(64)),
                     lane_mask(ir, kTileColumns, inside));
    }
  };
  auto rows = [&](Value *first, Value *last, int64_t together) {
    emitter.loop(first, last, together, [&](Value *row) {
      for (int64_t i = 0; i < together; ++i) finish(ir.CreateAdd(row, ir.getInt64(static_cast<uint64_t>(i))));
      emitter.settle();
    });
  };
  Value *middle = ir.CreateAdd(begin, ir.CreateAnd(ir.CreateSub(end, begin), ir.getInt64(-kRowsTogether)));
  rows(begin, middle, kRowsTogether);
  rows(middle, end, 1);
}

void for_tile_panels(KernelEmitter &emitter, int64_t columns, Value *begin, Value *end,
                     const std::function<void(Value *, int64_t)> &body) {
  llvm::IRBuilder<> &ir = emitter.ir();
  constexpr int64_t kWidth = 2 * kTileColumns;
  int64_t whole = columns / kWidth;
  Value *whole_end = ir.getInt64(static_cast<uint64_t>(whole)), *first = ir.getInt64(0);
  if (begin != nullptr) {
    first = begin;
    whole_end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, whole_end, end);
  }
  if (whole > 0)
    for_range(emitter, first, whole_end, 1, [&](Value *panel) { body(scaled(emitter, panel, kWidth), kWidth); });
  if (columns % kWidth == 0) return;
  Value *last = ir.getInt64(static_cast<uint64_t>(whole)), *after = ir.getInt64(static_cast<uint64_t>(whole + 1));
  if (begin != nullptr) {
    last = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, last, begin);
    after = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, after, end);
  }
  for_range(emitter, last, after, 1,
            [&](Value *) { body(ir.getInt64(static_cast<uint64_t>(whole * kWidth)), columns % kWidth); });
}

}  // namespace netc::contraction
