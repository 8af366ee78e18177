// Matrix products. Rows are cut into tiles of one size and smaller ones for what is left; columns into blocks, so that
// a chunk of work is a block of columns times a stretch of rows. A transposed right side is laid out anew block by
// block, by the chunk that uses it, while it is in the cache.
#include "codegen/contraction/matmul.h"

#include <algorithm>
#include <bit>

#include "codegen/contraction/common.h"
#include "codegen/contraction/transpose.h"
#include "ir/op.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kColumnBlockVectors = 8;  // of the widest block of columns
constexpr int64_t kBlockElements =
    16 * 1024;  // of B in one block of columns, about: a narrower block is not worth a chunk
constexpr int64_t kLeastRowsPerChunk = 28;  // what is read of B should be used by several tiles
constexpr int64_t kMostRowsPerChunk = 64;
constexpr int64_t kRestRows = 4;       // of the tiles for what is left; single rows for what is left of that
constexpr int64_t kTypicalSteps = 64;  // where the number of steps is the batch

// Tiles of `rows` rows; panels of columns as wide as the registers allow.
struct RowClass {
  int64_t rows;
  Panels panels;
};

struct MatmulPlan {
  Matmul matmul;
  unsigned lanes = 1;
  int64_t block = 1;  // columns of a block
  int64_t blocks = 1;
  std::vector<RowClass> classes;     // largest first; each but the first is used at most once a stretch
  std::vector<RowClass> single_row;  // for a batch of one, which reads B but once: panels as wide as can be
  int64_t element_bytes = 4;

  // Rows are handed out in grains: whole tiles where the number of rows is known, single rows where it is the batch.
  int64_t grain() const { return matmul.rows.batch ? 1 : classes.front().rows; }
  Dim grains() const {
    return matmul.rows.batch ? matmul.rows : Dim{(matmul.rows.size + grain() - 1) / grain(), false};
  }
};

// The widest panel of at most `most` vectors whose tile of this many rows fits the registers.
int64_t panel_vectors(const Target &target, int64_t rows, int64_t most) {
  int64_t vectors = 1;
  while (2 * vectors <= most && most_rows(target, 2 * vectors) >= rows) vectors *= 2;
  return vectors;
}

// Blocks as narrow as is worth a chunk, in panels of the largest class of rows.
int64_t block_vectors(const MatmulPlan &plan, int64_t panel, int64_t steps) {
  if (plan.matmul.transpose_b) return kColumnBlockVectors;
  int64_t vectors = panel;
  while (vectors < kColumnBlockVectors && vectors * plan.lanes * steps < kBlockElements) vectors *= 2;
  return vectors;
}

void choose_classes(MatmulPlan &plan, const Target &target, int64_t steps) {
  const Matmul &matmul = plan.matmul;
  int64_t all_vectors =
      static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>((matmul.columns.size + plan.lanes - 1) / plan.lanes)));
  auto panels = [&](int64_t vectors) { return make_panels(matmul.columns.size, plan.lanes, vectors); };
  int64_t vectors = 0, rows = 0;
  if (matmul.rows.batch) {
    vectors = std::min<int64_t>(2, all_vectors);
    rows = most_rows(target, vectors);
  } else {
    Tiling tiling = choose_tiling(target, 1, matmul.rows.size, matmul.columns.size, plan.lanes, steps);
    vectors = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(tiling.vectors)));
    rows = tiling.tile_length;
  }
  int64_t block = block_vectors(plan, vectors, steps);
  plan.block = block * plan.lanes;
  plan.classes.push_back({rows, panels(vectors)});
  int64_t most = std::min(block, all_vectors);
  if (!matmul.rows.batch) {
    int64_t rest = matmul.rows.size % rows;
    if (rest > 0) plan.classes.push_back({rest, panels(panel_vectors(target, rest, most))});
    return;
  }
  if (rows > kRestRows) plan.classes.push_back({kRestRows, panels(panel_vectors(target, kRestRows, most))});
  if (rows > 1) plan.classes.push_back({1, panels(panel_vectors(target, 1, most))});
  if (matmul.transpose_b || block >= std::min(kColumnBlockVectors, all_vectors)) return;
  plan.single_row.push_back({1, panels(panel_vectors(target, 1, std::min(kColumnBlockVectors, all_vectors)))});
}

class MatmulEmitter {
 public:
  MatmulEmitter(KernelEmitter &emitter, const MatmulPlan &plan)
      : emitter_(emitter), plan_(plan), matmul_(plan.matmul), element_(element_type(emitter, matmul_.dtype)) {
    steps_ = dim_value(emitter_, matmul_.steps);
    rows_ = dim_value(emitter_, matmul_.rows);
    Value *a_line = line_stride(0);
    a_row_ = matmul_.transpose_a ? number(1) : a_line;
    a_step_ = matmul_.transpose_a ? a_line : number(1);
  }

  // The blocks of columns in [first_block, end_block), for the rows in [begin, end). Of a transposed right side it is
  // one block.
  void run(const std::vector<RowClass> &classes, Value *first_block, Value *end_block, Value *begin, Value *end) {
    Value *first = scaled(emitter_, first_block, plan_.block);
    Value *last = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, scaled(emitter_, end_block, plan_.block),
                                             number(matmul_.columns.size));
    b_ = emitter_.operand(1).base;
    b_step_ = line_stride(1);
    b_first_ = number(0);
    if (matmul_.transpose_b) pack(first_block, first, last);
    for (const RowClass &rows : classes) {
      Value *whole = ir().CreateSDiv(ir().CreateSub(end, begin), number(rows.rows));
      Value *class_end = ir().CreateAdd(begin, scaled(emitter_, whole, rows.rows));
      for_panels(emitter_, rows.panels, first, last, [&](const Panel &panel) {
        for_range(emitter_, begin, class_end, rows.rows, [&](Value *row) { emit_tile_at(rows, panel, row); });
      });
      begin = class_end;
    }
  }

  // Where the columns are the batch: one column, element by element.
  void run_column(Value *column) {
    Tile tile{element_};
    tile.rows = {number(0)};
    Value *b_line = line_stride(1);
    tile.reductions = {{steps_, a_step_, matmul_.transpose_b ? number(1) : b_line}};
    Value *b = element_at(emitter_, element_, emitter_.operand(1).base,
                          ir().CreateMul(column, matmul_.transpose_b ? b_line : number(1)));
    for_range(emitter_, number(0), rows_, 1, [&](Value *row) {
      Value *a = element_at(emitter_, element_, emitter_.operand(0).base, ir().CreateMul(row, a_row_));
      Accumulators sums = emit_tile(ir(), emitter_.target(), tile, a, b);
      finish_tile(emitter_, tile, sums, column,
                  [&](size_t) { return std::vector<IndexValue>{index_of(emitter_, row)}; });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }

  // Elements from one row of an operand to the next.
  Value *line_stride(size_t operand) {
    const Address &address = emitter_.operand(operand);
    return address.shape[1].batch ? dim_value(emitter_, address.shape[1]) : number(address.strides[0]);
  }

  // A large B comes from beyond the level-2 cache, in pieces too short for the processor to see where it goes on.
  bool prefers_prefetch() const {
    return !matmul_.transpose_b && !matmul_.steps.batch && matmul_.steps.size * matmul_.columns.size >= kLargeElements;
  }

  void pack(Value *block, Value *first, Value *last) {
    Value *size = ir().CreateMul(steps_, number(plan_.block));
    Value *place = element_at(emitter_, element_, emitter_.scratch(), ir().CreateMul(block, size));
    emit_transpose(emitter_,
                   {matmul_.dtype, matmul_.columns.size, plan_.block, first, last, b_, place, b_step_, steps_});
    b_ = place;
    b_step_ = number(plan_.block);
    b_first_ = first;
  }

  void emit_tile_at(const RowClass &rows, const Panel &panel, Value *row) {
    Tile tile{element_, plan_.lanes, panel.vectors, panel.tail};
    for (int64_t r = 0; r < rows.rows; ++r) tile.rows.push_back(ir().CreateMul(number(r), a_row_));
    tile.reductions = {{steps_, a_step_, b_step_}};
    if (prefers_prefetch()) tile.prefetch_b = ir().CreateMul(b_step_, number(kPrefetchedSteps));
    Value *a = element_at(emitter_, element_, emitter_.operand(0).base, ir().CreateMul(row, a_row_));
    Value *b = element_at(emitter_, element_, b_, ir().CreateSub(panel.first, b_first_));
    Accumulators sums = emit_tile(ir(), emitter_.target(), tile, a, b);
    IndexValue first = index_of(emitter_, row);
    finish_tile(emitter_, tile, sums, panel.first, [&](size_t r) {
      return std::vector<IndexValue>{{first.variable, first.constant + static_cast<int64_t>(r)}};
    });
  }

  KernelEmitter &emitter_;
  const MatmulPlan &plan_;
  const Matmul &matmul_;
  llvm::Type *element_;
  Value *steps_, *rows_, *a_row_, *a_step_;
  Value *b_ = nullptr, *b_step_ = nullptr, *b_first_ = nullptr;
};

// A chunk is a stretch of (block of columns, grain of rows) pairs, rows fastest.
void emit_stretch(KernelEmitter &emitter, const MatmulPlan &plan, Dim units, int64_t units_per_chunk) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *grains = dim_value(emitter, plan.grains());
  Value *begin = scaled(emitter, emitter.chunk(), units_per_chunk);
  Value *end = ir.CreateAdd(begin, ir.getInt64(static_cast<uint64_t>(units_per_chunk)));
  end = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, dim_value(emitter, units));
  Value *rows = dim_value(emitter, plan.matmul.rows);
  Value *one = ir.getInt64(1), *none = ir.getInt64(0);
  Value *first_block = ir.CreateSDiv(begin, grains);
  Value *end_block = ir.CreateAdd(ir.CreateSDiv(ir.CreateSub(end, one), grains), one);
  auto one_block = [&](Value *block) {
    Value *start = ir.CreateMul(block, grains);
    Value *first = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, ir.CreateSub(begin, start), ir.getInt64(0));
    Value *last = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateSub(end, start), grains);
    last = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, scaled(emitter, last, plan.grain()), rows);
    MatmulEmitter(emitter, plan)
        .run(plan.classes, block, ir.CreateAdd(block, one), scaled(emitter, first, plan.grain()), last);
  };
  if (plan.single_row.empty()) return emitter.loop(first_block, end_block, 1, one_block);
  // With one row the chunk is made of whole blocks. Loops of one turn or none are the branches.
  Value *single = ir.CreateICmpEQ(rows, one);
  emitter.loop(none, ir.CreateZExt(single, ir.getInt64Ty()), 1,
               [&](Value *) { MatmulEmitter(emitter, plan).run(plan.single_row, first_block, end_block, none, one); });
  emitter.loop(ir.CreateSelect(single, end_block, first_block), end_block, 1, one_block);
}

KernelStage column_stage(const Matmul &matmul, double work_of_column) {
  KernelStage stage;
  stage.units = matmul.columns;
  stage.units_per_chunk = units_per_chunk(work_of_column);
  set_cost(stage, 10 * nanoseconds(work_of_column));
  MatmulPlan plan{matmul};
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *column) { MatmulEmitter(emitter, plan).run_column(column); });
  };
  return stage;
}

}  // namespace

Matmul read_matmul(const Op &op, std::span<const ValueLayout> operands) {
  Matmul matmul;
  matmul.dtype = operands[0].type.dtype;
  matmul.transpose_a = op.get<bool>("transpose_a");
  matmul.transpose_b = op.get<bool>("transpose_b");
  const Shape &a = operands[0].type.shape;
  const Shape &b = operands[1].type.shape;
  matmul.rows = a[matmul.transpose_a ? 1 : 0];
  matmul.steps = a[matmul.transpose_a ? 0 : 1];
  matmul.columns = b[matmul.transpose_b ? 0 : 1];
  return matmul;
}

ContractionLowering plan_matmul(const Matmul &matmul, const Target &target) {
  ContractionLowering lowering;
  int64_t steps = matmul.steps.batch ? matmul.steps.size * kTypicalSteps : matmul.steps.size;
  if (matmul.columns.batch) {
    lowering.stages.push_back(column_stage(matmul, static_cast<double>(matmul.rows.size * steps)));
    return lowering;
  }
  MatmulPlan plan{matmul};
  plan.element_bytes = matmul.dtype == DType::f64 ? 8 : 4;
  plan.lanes = lanes_for(target, matmul.dtype, matmul.columns.size);
  if (matmul.transpose_b) plan.lanes = target.lanes(matmul.dtype);
  choose_classes(plan, target, std::max<int64_t>(steps, 1));
  plan.blocks = (matmul.columns.size + plan.block - 1) / plan.block;

  KernelStage stage;
  double columns = static_cast<double>(std::min(plan.block, matmul.columns.size));
  double work_of_row = columns * static_cast<double>(steps);
  if (matmul.transpose_b) {
    int64_t bytes = (steps * plan.block * plan.element_bytes + 63) / 64 * 64;
    if (matmul.steps.batch)
      lowering.scratch_batch = matmul.steps.size * plan.block * plan.blocks * plan.element_bytes;
    else
      lowering.scratch_fixed = plan.blocks * bytes;
    stage.units = {plan.blocks, false};
    double copied = work_of_row * static_cast<double>(plan.element_bytes);
    double rows = static_cast<double>(matmul.rows.size);
    stage.fixed_nanoseconds = static_cast<double>(plan.blocks) * copied / 10;
    (matmul.rows.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) +=
        static_cast<double>(plan.blocks) * nanoseconds(work_of_row * rows);
    stage.emit = [plan](KernelEmitter &emitter) {
      llvm::IRBuilder<> &ir = emitter.ir();
      Value *next = ir.CreateAdd(emitter.chunk(), ir.getInt64(1));
      MatmulEmitter(emitter, plan)
          .run(plan.classes, emitter.chunk(), next, ir.getInt64(0), dim_value(emitter, plan.matmul.rows));
    };
  } else {
    Dim grains = plan.grains();
    stage.units = {grains.size * plan.blocks, grains.batch};
    double work = work_of_row * static_cast<double>(plan.grain());
    int64_t grain_rows = plan.grain();
    stage.units_per_chunk = std::clamp(units_per_chunk(work), (kLeastRowsPerChunk + grain_rows - 1) / grain_rows,
                                       (kMostRowsPerChunk + grain_rows - 1) / grain_rows);
    int64_t tile = matmul.rows.batch ? plan.classes.front().rows : 1;
    stage.units_per_chunk = (stage.units_per_chunk + tile - 1) / tile * tile;
    set_cost(stage, nanoseconds(work));
    stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
      emit_stretch(emitter, plan, units, group);
    };
  }
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
