// A chunk is a group of pixels times some panels of columns. It goes over the group block by block: for each panel the
// first tile copies the panel's part of B to the stack in passing, the others read the copy, and all of them add to
// sums of the group in scratch memory, tile behind tile. A second stage adds up the groups in order.
#include "codegen/contraction/matmul_pixels.h"

#include <algorithm>

#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kLeastPixels = 16;      // of a sample
constexpr int64_t kBlockSteps = 128;      // whose part of a panel stays in the first-level cache
constexpr int64_t kGroupSteps = 1024;     // about: writing and reading its sums is little beside making them
constexpr int64_t kLeastPanels = 4;       // of a chunk where its group is shared out: A is read for each chunk
constexpr int64_t kStepsOfTurn = 4;       // of a tile whose steps are counted when it runs
constexpr int64_t kConflictBytes = 2048;  // rows of A a multiple of it apart meet in few sets of the first-level cache
constexpr int64_t kNearSteps = 6;         // a row of A is asked for so many steps before it is read there
constexpr double kLongChunkNanoseconds = 200000;  // by the modest estimate

struct PixelsPlan {
  Matmul matmul;
  unsigned lanes = 1;
  Panels panels;
  std::vector<Pieces> tiles;  // of rows
  int64_t group = 1;          // samples
  int64_t chunk_samples = 1;  // so many make one chunk; a group is a multiple of it
  int64_t element_bytes = 4;

  int64_t panel_count() const { return panels.whole + (panels.rest_vectors > 0 ? 1 : 0); }
  int64_t group_chunks() const { return group / chunk_samples; }
  int64_t panel_sums() const { return panels.width() * matmul.rows.size; }
  int64_t group_sums() const { return panel_sums() * panel_count(); }
  int64_t tile_count() const { return tiles.front().count + (tiles.size() > 1 ? tiles.back().count : 0); }
};

class PixelsEmitter {
 public:
  PixelsEmitter(KernelEmitter &emitter, const PixelsPlan &plan)
      : emitter_(emitter), plan_(plan), matmul_(plan.matmul), element_(element_type(emitter, matmul_.dtype)) {
    steps_ = dim_value(emitter, matmul_.steps);
    line_ = 64 / plan.element_bytes;
  }

  // The chunks of a group share out its panels: as many chunks as its samples would make.
  void run(Value *chunk) {
    group_ = ir().CreateUDiv(chunk, number(plan_.group_chunks()));
    Value *first_sample = scaled(emitter_, group_, plan_.group);
    Value *samples = smin(ir().CreateSub(emitter_.batch(), first_sample), number(plan_.group));
    Value *chunks = quotient_up(samples, plan_.chunk_samples);
    Value *panels = ir().CreateUDiv(ir().CreateAdd(chunks, number(plan_.panel_count() - 1)), chunks);
    Value *part = scaled(emitter_, ir().CreateMul(panels, ir().CreateURem(chunk, number(plan_.group_chunks()))),
                         plan_.panels.width());
    Value *first = smin(part, number(matmul_.columns.size));
    Value *last =
        smin(ir().CreateAdd(part, scaled(emitter_, panels, plan_.panels.width())), number(matmul_.columns.size));
    Value *begin = scaled(emitter_, first_sample, matmul_.steps.size);
    Value *end = ir().CreateAdd(begin, scaled(emitter_, samples, matmul_.steps.size));
    copy_ = stack();
    panels = quotient_up(ir().CreateSub(last, first), plan_.panels.width());
    ir().CreateMemSet(sums_at(group_, first, number(0)), ir().getInt8(0),
                      ir().CreateMul(panels, number(plan_.panel_sums() * plan_.element_bytes)), llvm::MaybeAlign(64));
    emitter_.loop(begin, end, kBlockSteps, [&](Value *step) {
      Value *count = smin(ir().CreateSub(end, step), number(kBlockSteps));
      for_panels(emitter_, plan_.panels, first, last, [&](const Panel &panel) {
        emit(panel, step, count, plan_.tiles.front().size, number(0), true);
        for (const Pieces &pieces : plan_.tiles) {
          int64_t begin_row = pieces.first + (&pieces == &plan_.tiles.front() ? pieces.size : 0);
          for_range(emitter_, number(begin_row), number(pieces.first + pieces.size * pieces.count), pieces.size,
                    [&](Value *row) { emit(panel, step, count, pieces.size, row, false); });
        }
      });
    });
  }

  // Adds up the groups for a row of the result.
  void combine(Value *row) {
    Value *groups = quotient_up(emitter_.batch(), plan_.group);
    for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) {
      Tile tile{element_, plan_.lanes, panel.vectors};
      tile.rows = {number(0)};
      tile.product = Product::none;
      tile.reductions = {{groups, number(0), number(plan_.group_sums())}};
      Value *start = sums_at(number(0), panel.first, scaled(emitter_, row, int64_t{panel.vectors} * plan_.lanes));
      Accumulators sums = emit_tile(ir(), emitter_.target(), tile, start, start);
      tile.tail = panel.tail;
      finish_tile(emitter_, tile, sums, panel.first,
                  [&](size_t) { return std::vector<IndexValue>{index_of(emitter_, row)}; });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  Value *quotient_up(Value *total, int64_t size) {
    return ir().CreateUDiv(ir().CreateAdd(total, number(size - 1)), number(size));
  }
  Value *sums_at(Value *group, Value *column, Value *offset) {
    Value *place =
        ir().CreateAdd(scaled(emitter_, group, plan_.group_sums()), scaled(emitter_, column, matmul_.rows.size));
    return at(emitter_.scratch(), ir().CreateAdd(place, offset));
  }

  // A block's part of a panel.
  Value *stack() { return on_stack(emitter_, element_, kBlockSteps * plan_.panels.width()); }

  void emit(const Panel &panel, Value *step, Value *count, int64_t rows, Value *row, bool copies) {
    const Address &a = emitter_.operand(0), &b = emitter_.operand(1);
    int64_t width = int64_t{panel.vectors} * plan_.lanes;
    Tile tile{element_, plan_.lanes, panel.vectors};
    for (int64_t r = 0; r < rows; ++r) tile.rows.push_back(number(r));
    Value *a_line = number(a.strides[0]), *b_line = number(b.strides[0]);
    Value *a_start = at(a.base, ir().CreateAdd(ir().CreateMul(step, a_line), row));
    Value *b_start = copy_;
    tile.reductions = {{count, a_line, number(width)}};
    if (copies) {
      tile.reductions[0].b_step = b_line;
      tile.copy_b = copy_;
      tile.tail = panel.tail;
      b_start = at(b.base, ir().CreateAdd(ir().CreateMul(step, b_line), panel.first));
    }
    look_ahead(tile, panel, row, step);
    if (a.strides[0] * plan_.element_bytes % kConflictBytes == 0) {
      Ahead near{at(a_start, number(kNearSteps * a.strides[0])), true, {}, nullptr, a_line};
      for (int64_t i = 0; i < kStepsOfTurn; ++i)
        for (int64_t last : {int64_t{0}, rows - 1}) near.offsets.push_back(number(i * a.strides[0] + last));
      tile.ahead.push_back(std::move(near));
    }
    llvm::Type *type = accumulator_type(tile);
    llvm::Align align(plan_.lanes * static_cast<uint64_t>(plan_.element_bytes));
    Value *place = sums_at(group_, panel.first, scaled(emitter_, row, width));
    auto sum_at = [&](size_t r, unsigned v) {
      return at(place, number(static_cast<int64_t>(r) * width + int64_t{v} * plan_.lanes));
    };
    Accumulators sums(static_cast<size_t>(rows));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < panel.vectors; ++v) sums[r].push_back(ir().CreateAlignedLoad(type, sum_at(r, v), align));
    sums = emit_tile(ir(), emitter_.target(), tile, a_start, b_start, std::move(sums));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < panel.vectors; ++v) ir().CreateAlignedStore(sums[r][v], sum_at(r, v), align);
  }

  // Of the next block, each tile prefetches its share: of A in the order of memory, of B the lines of its panel.
  void look_ahead(Tile &tile, const Panel &panel, Value *row, Value *step) {
    constexpr int64_t kTurns = kBlockSteps / kStepsOfTurn;
    const Address &a = emitter_.operand(0), &b = emitter_.operand(1);
    Value *next = ir().CreateAdd(step, number(kBlockSteps));
    Value *tile_number = ir().CreateUDiv(row, number(plan_.tiles.back().size));

    int64_t panels = std::max<int64_t>(1, plan_.panel_count() / plan_.group_chunks());
    int64_t share = kBlockSteps * a.strides[0] / (plan_.tile_count() * panels);
    int64_t lines = (share + kTurns * line_ - 1) / (kTurns * line_);
    Value *panel_number = ir().CreateURem(ir().CreateUDiv(panel.first, number(plan_.panels.width())), number(panels));
    Value *shares_before = ir().CreateAdd(ir().CreateMul(panel_number, number(plan_.tile_count())), tile_number);
    Value *place = ir().CreateAdd(ir().CreateMul(next, number(a.strides[0])), scaled(emitter_, shares_before, share));
    Ahead from_a{at(a.base, place), false, {}, number(lines * line_)};
    for (int64_t i = 0; i < lines; ++i) from_a.offsets.push_back(number(i * line_));

    int64_t rows_of_turn = (kBlockSteps + plan_.tile_count() * kTurns - 1) / (plan_.tile_count() * kTurns);
    int64_t rows_of_tile = rows_of_turn * kTurns;
    Value *first = smin(scaled(emitter_, tile_number, rows_of_tile), number(kBlockSteps - rows_of_tile));
    place = ir().CreateAdd(ir().CreateMul(ir().CreateAdd(next, first), number(b.strides[0])), panel.first);
    Ahead from_b{at(b.base, place), false, {}, number(rows_of_turn * b.strides[0])};
    for (int64_t i = 0; i < rows_of_turn; ++i)
      for (int64_t k = 0; k < int64_t{panel.vectors} * plan_.lanes; k += line_)
        from_b.offsets.push_back(number(i * b.strides[0] + k));
    tile.ahead = {from_a, from_b};
  }

  KernelEmitter &emitter_;
  const PixelsPlan &plan_;
  const Matmul &matmul_;
  llvm::Type *element_;
  int64_t line_;
  Value *steps_;
  Value *group_ = nullptr, *copy_ = nullptr;
};

}  // namespace

bool is_summed_over_pixels(const Matmul &matmul, const Target &target) {
  return matmul.transpose_a && !matmul.transpose_b && matmul.steps.batch && matmul.steps.size >= kLeastPixels &&
         !matmul.rows.batch && !matmul.columns.batch && matmul.columns.size >= target.lanes(matmul.dtype);
}

ContractionLowering plan_sum_over_pixels(const Matmul &matmul, const Target &target) {
  PixelsPlan plan{matmul, target.lanes(matmul.dtype)};
  plan.element_bytes = static_cast<int64_t>(byte_size(matmul.dtype));
  int64_t vectors = std::min<int64_t>(2, (matmul.columns.size + plan.lanes - 1) / plan.lanes);
  plan.panels = make_panels(matmul.columns.size, plan.lanes, vectors);
  plan.tiles = balanced(matmul.rows.size, most_rows(target, vectors));
  double rows = static_cast<double>(matmul.rows.size);
  double sample_nanoseconds = nanoseconds(rows * static_cast<double>(matmul.columns.size * matmul.steps.size));
  plan.group = std::max<int64_t>(1, kGroupSteps / matmul.steps.size);
  int64_t parts = std::clamp<int64_t>(static_cast<int64_t>(sample_nanoseconds * plan.group / kLongChunkNanoseconds), 1,
                                      std::max<int64_t>(1, plan.panel_count() / kLeastPanels));
  parts = std::min(parts, plan.group);
  plan.chunk_samples = plan.group / parts;
  plan.group = plan.chunk_samples * parts;

  ContractionLowering lowering;
  int64_t bytes = plan.group_sums() * plan.element_bytes;
  lowering.scratch_fixed = (bytes + 63) / 64 * 64;
  lowering.scratch_batch = ((bytes + plan.group - 1) / plan.group + 63) / 64 * 64;
  KernelStage tiles;
  tiles.suffix = "tile";
  tiles.units = {1, true};
  tiles.units_per_chunk = plan.chunk_samples;
  set_cost(tiles, sample_nanoseconds);
  tiles.emit = [plan](KernelEmitter &emitter) { PixelsEmitter(emitter, plan).run(emitter.chunk()); };
  lowering.stages.push_back(std::move(tiles));

  KernelStage combine;
  combine.suffix = "combine";
  combine.units = matmul.rows;
  double row_bytes = static_cast<double>(matmul.columns.size * plan.element_bytes);
  combine.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(kChunkNanoseconds / (row_bytes / 4)));
  set_cost(combine, row_bytes / 20);
  combine.batch_nanoseconds = combine.fixed_nanoseconds / static_cast<double>(plan.group);
  combine.emit = [plan, group = combine.units_per_chunk](KernelEmitter &emitter) {
    for_units(emitter, plan.matmul.rows, group, [&](Value *row) { PixelsEmitter(emitter, plan).combine(row); });
  };
  lowering.stages.push_back(std::move(combine));
  return lowering;
}

}  // namespace netc::contraction
