// How a matrix product is cut. Rows are cut into tiles of one size and smaller ones for what is left; columns into
// blocks, so that a chunk of work is a block of columns times a stretch of rows.
#include "codegen/contraction/matmul.h"

#include <algorithm>
#include <bit>

#include "codegen/contraction/common.h"
#include "codegen/contraction/matmul_pixels.h"
#include "codegen/contraction/matmul_rows.h"
#include "codegen/contraction/matmul_tiles.h"
#include "codegen/contraction/matmul_turned.h"
#include "ir/op.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kColumnBlockVectors = 8;  // of the widest block of columns
constexpr int64_t kBlockElements =
    16 * 1024;  // of B in one block of columns, about: a narrower block is not worth a chunk
// What is read of B should be used by several tiles; powers of two suit the usual batches.
constexpr int64_t kLeastRowsPerChunk = 32;
constexpr int64_t kMostRowsPerChunk = 64;
constexpr int64_t kMostTransposedRowsPerChunk = 128;
// A panel is copied for each chunk that uses it: chunks are long where there are panels enough to go round the threads.
constexpr int64_t kManyBlocks = 4;
constexpr int64_t kRowsPerChunkAndBlock = 8;
constexpr int64_t kMostCopiedRowsPerChunk = 256;
// A panel of B is read from the second-level cache, at no cost.
constexpr int64_t kPanelBytes = 128 * 1024;
constexpr int64_t kMostPackedSteps = 1024;
constexpr int64_t kCacheBytes = 32 * 1024;  // a B of this size stays there as it is
constexpr int64_t kMeetingBytes = 1024;     // lines at multiples of this lie in few sets of the first-level cache
constexpr int64_t kManyRestRows = 8;        // of the tiles for what is left ...
constexpr int64_t kRestRows = 4;            // ... and single rows for what is left of that
constexpr int64_t kLeastSingleRowVectors = 4;
constexpr double kSingleRowNanoseconds = 3000;   // estimated, of a chunk of a single row: weights are read but once
constexpr int64_t kTypicalSteps = 64;            // where the number of steps is the batch
constexpr double kReadBytesPerNanosecond = 100;  // from the second-level cache
constexpr double kOperationsPerLane = 10;        // in a nanosecond

// The widest panel of at most `most` vectors whose tile of this many rows fits the registers.
int64_t panel_vectors(const Target &target, int64_t rows, int64_t most) {
  int64_t vectors = 1;
  while (2 * vectors <= most && most_rows(target, 2 * vectors) >= rows) vectors *= 2;
  return vectors;
}

// Blocks as narrow as is worth a chunk, in panels of the largest class of rows.
int64_t block_vectors(const MatmulPlan &plan, int64_t panel, int64_t steps) {
  int64_t vectors = panel;
  while (vectors < kColumnBlockVectors && vectors * plan.lanes * steps < kBlockElements) vectors *= 2;
  return vectors;
}

// Steps of one panel: all of them, or as many as divide them, or nearly equal parts.
int64_t packed_steps(const MatmulPlan &plan, int64_t panel, int64_t steps) {
  int64_t most = std::min(kMostPackedSteps, kPanelBytes / (panel * plan.lanes * plan.element_bytes));
  if (plan.matmul.steps.batch) return most;
  if (steps <= most) return steps;
  for (int64_t part = most / 4 * 4; part > most / 2; part -= 4)
    if (steps % part == 0) return part;
  int64_t part = balanced(steps, most).front().size;
  return std::min(most, (part + 7) / 8 * 8);
}

void choose_classes(MatmulPlan &plan, const Target &target, int64_t steps, bool constant_b) {
  const Matmul &matmul = plan.matmul;
  int64_t columns = (matmul.columns.size + plan.lanes - 1) / plan.lanes;
  int64_t all_vectors = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(columns)));
  auto panels = [&](int64_t vectors) { return make_panels(matmul.columns.size, plan.lanes, vectors); };
  int64_t vectors = 0, rows = 0;
  if (matmul.rows.batch) {
    vectors = std::min<int64_t>(2, all_vectors);
    rows = most_rows(target, vectors);
    // Batches are multiples of four, mostly.
    if (rows > 2 * kRestRows) rows = rows / kRestRows * kRestRows;
  } else {
    Tiling tiling = choose_tiling(target, 1, matmul.rows.size, matmul.columns.size, plan.lanes, steps);
    vectors = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(tiling.vectors)));
    rows = tiling.tile_length;
  }
  bool many_rows = matmul.rows.batch || matmul.rows.size >= 2 * rows;
  bool large = steps * matmul.columns.size * plan.element_bytes > kCacheBytes;
  bool copied = !matmul.transpose_b && !matmul.steps.batch && many_rows && large && columns > vectors && rows > 1;
  if (copied && constant_b && matmul.dtype == DType::f32)
    plan.prepared = KernelPanels{panels(vectors), matmul.steps.size};
  else if (copied || matmul.transpose_b)
    plan.packed_steps = packed_steps(plan, vectors, steps);
  // Where the batch is summed up, its rows follow one another in B: of such a length that they meet in few places of
  // the first-level cache they are gathered once for all.
  plan.scratch_panels = matmul.steps.batch && !matmul.transpose_b && !matmul.rows.batch &&
                        matmul.rows.size >= kLeastRowsPerChunk &&
                        matmul.columns.size * plan.element_bytes % kMeetingBytes == 0 && vectors > 1;
  bool one_width = plan.packed_steps > 0 || plan.scratch_panels || plan.prepared;
  int64_t block = plan.packed_steps > 0 || plan.prepared ? vectors : block_vectors(plan, vectors, steps);
  plan.block = block * plan.lanes;
  plan.classes.push_back({rows, panels(vectors)});
  int64_t most = one_width ? vectors : std::min(block, all_vectors);
  auto add_class = [&](int64_t rest) {
    plan.classes.push_back({rest, panels(one_width ? vectors : panel_vectors(target, rest, most))});
  };
  if (!matmul.rows.batch) {
    if (matmul.rows.size % rows > 0) add_class(matmul.rows.size % rows);
    return;
  }
  // B from the first-level cache may as well be read twice.
  if (large && rows > kManyRestRows) add_class(kManyRestRows);
  if (rows > kRestRows) add_class(kRestRows);
  if (rows > 1) add_class(1);
  if (matmul.transpose_b || block >= std::min(kColumnBlockVectors, all_vectors)) return;
  int64_t widest = std::min(kColumnBlockVectors, all_vectors);
  // Another thread can take half of a long row.
  while (widest > kLeastSingleRowVectors && widest == all_vectors &&
         nanoseconds(static_cast<double>(steps * matmul.columns.size)) > 2 * kSingleRowNanoseconds)
    widest /= 2;
  plan.single_row.push_back({1, panels(panel_vectors(target, 1, widest))});
}

// The stage that fills the scratch memory, which it asks for.
ContractionLowering panels_stage(const MatmulPlan &plan) {
  ContractionLowering lowering;
  int64_t bytes = plan.matmul.columns.size * plan.element_bytes;
  lowering.scratch_batch = plan.matmul.steps.size * bytes;
  KernelStage stage;
  stage.suffix = "pack";
  stage.units = plan.matmul.steps;
  double nanoseconds_of_step = static_cast<double>(bytes) / 20;
  stage.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(kChunkNanoseconds / nanoseconds_of_step));
  set_cost(stage, nanoseconds_of_step);
  stage.emit = [plan, group = stage.units_per_chunk](KernelEmitter &emitter) {
    auto [begin, end] = units_of_chunk(emitter, plan.matmul.steps, group);
    emit_scratch_panels(emitter, plan, begin, end);
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

// Blocks of columns in a chunk of a single row: whole panels of that row, and enough for another thread to be worth it.
int64_t units_of_single_row(const MatmulPlan &plan, double nanoseconds_of_block) {
  int64_t widest = plan.single_row.empty() ? kColumnBlockVectors : plan.single_row.front().panels.vectors;
  int64_t panel = std::max<int64_t>(1, widest * int64_t{plan.lanes} / plan.block);
  auto blocks = static_cast<int64_t>(kSingleRowNanoseconds / std::max(nanoseconds_of_block, 1.0));
  return std::max(panel, blocks / panel * panel);
}

// How long all of it takes at the speed that tiles reach; few rows wait for B.
void estimate(KernelStage &stage, const MatmulPlan &plan, const Target &target) {
  const Matmul &matmul = plan.matmul;
  auto elements = static_cast<double>(matmul.steps.size * matmul.columns.size);
  bool grows = matmul.rows.batch || matmul.steps.batch;
  (grows ? stage.batch_nanoseconds : stage.fixed_nanoseconds) =
      2 * elements * static_cast<double>(matmul.rows.size) / (kOperationsPerLane * target.lanes(matmul.dtype));
  if (matmul.rows.batch)
    stage.fixed_nanoseconds = elements * static_cast<double>(plan.element_bytes) / kReadBytesPerNanosecond;
}

KernelStage column_stage(const Matmul &matmul, double work_of_column) {
  KernelStage stage;
  stage.units = matmul.columns;
  stage.units_per_chunk = units_per_chunk(work_of_column);
  set_cost(stage, 10 * nanoseconds(work_of_column));
  MatmulPlan plan{matmul};
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, units, group, [&](Value *column) { emit_column(emitter, plan, column); });
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

ContractionLowering plan_matmul(const Matmul &matmul, const Target &target, bool constant_kernel) {
  if (can_turn(matmul, target)) return plan_turned_matmul(matmul, target);
  if (is_summed_over_pixels(matmul, target)) return plan_sum_over_pixels(matmul, target);
  if (has_many_rows(matmul, target)) return plan_many_rows(matmul, target, constant_kernel);
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
  choose_classes(plan, target, std::max<int64_t>(steps, 1), constant_kernel);
  plan.blocks = (matmul.columns.size + plan.block - 1) / plan.block;

  if (plan.scratch_panels) lowering = panels_stage(plan);
  if (plan.prepared) {
    lowering.scratch_apart = plan.prepared->bytes();
    lowering.prepared_as = plan.prepared->prepared_as();
    lowering.stages.push_back(copy_kernel_stage(*plan.prepared));
  }
  KernelStage stage;
  if (plan.scratch_panels) stage.suffix = "tile";
  double columns = static_cast<double>(std::min(plan.block, matmul.columns.size));
  double work = columns * static_cast<double>(steps * plan.grain());
  Dim grains = plan.grains();
  stage.units = {grains.size * plan.blocks, grains.batch};
  int64_t most = matmul.transpose_b ? kMostTransposedRowsPerChunk : kMostRowsPerChunk;
  int64_t least = matmul.transpose_b ? kMostRowsPerChunk : kLeastRowsPerChunk;
  if (plan.packed_steps > 0 && plan.blocks >= kManyBlocks) {
    most = std::clamp(2 * kRowsPerChunkAndBlock * plan.blocks, most, kMostCopiedRowsPerChunk);
    least = std::max(most / 2, kMostRowsPerChunk);
  }
  if (matmul.rows.batch)
    stage.units_per_chunk =
        std::clamp(static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(units_per_chunk(work)))), least, most);
  else
    stage.units_per_chunk = std::clamp(units_per_chunk(work), (least + plan.grain() - 1) / plan.grain(),
                                       (most + plan.grain() - 1) / plan.grain());
  plan.stretch_rows = stage.units_per_chunk * plan.grain();
  if (matmul.rows == Dim{1, true}) stage.units_per_chunk_of_one = units_of_single_row(plan, nanoseconds(work));
  estimate(stage, plan, target);
  KernelStage cut = stage;
  stage.emit = [plan, cut](KernelEmitter &emitter) { emit_stretch(emitter, plan, cut); };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
