// First B is copied into panels of two vectors, as long as there are steps. Then each chunk takes a stretch of rows,
// tile by tile, and each tile goes over all panels: what it reads of A stays in the first-level cache, B comes from the
// second. Meanwhile it prefetches the rows of the next tile, in the order of memory: the processor goes on from there.
#include "codegen/contraction/matmul_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kLeastRows = 16;           // of a sample
constexpr int64_t kMostBytes = 1024 * 1024;  // of B
constexpr int64_t kPackedRows = 512;         // copying B pays for so many
constexpr int64_t kPanelStepsAhead = 6;
constexpr int64_t kLineStepsAhead = 12;
constexpr int64_t kTurnSteps = 8;
constexpr int64_t kMostLinesOfTurn = 8;  // prefetched, for each operand and result
constexpr int64_t kLastRows = 4;

struct ManyRowsPlan {
  Matmul matmul;
  PixelGrid grid;
  unsigned lanes = 1;
  std::vector<int64_t> classes;  // rows of a tile, largest first; the last is 1
  Panels panels;
  int64_t element_bytes = 4;

  int64_t panel_elements() const { return panels.width() * matmul.steps.size; }
  int64_t panel_count() const { return panels.whole + (panels.rest_vectors > 0 ? 1 : 0); }
};

class ManyRowsEmitter {
 public:
  ManyRowsEmitter(KernelEmitter &emitter, const ManyRowsPlan &plan)
      : emitter_(emitter), plan_(plan), matmul_(plan.matmul), element_(element_type(emitter, matmul_.dtype)) {
    line_ = 64 / plan.element_bytes;
  }

  // These steps of B, row by row as they lie.
  void pack(Value *begin, Value *end) {
    const Address &b = emitter_.operand(1);
    llvm::Align align(static_cast<uint64_t>(plan_.element_bytes));
    for_range(emitter_, begin, end, 1, [&](Value *step) {
      Value *line = at(b.base, scaled(emitter_, step, line_of(b)));
      for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) {
        llvm::Type *type = accumulator_type({element_, plan_.lanes});
        Value *mask = lane_mask(ir(), plan_.lanes, panel.tail);
        Value *to = at(panel_at(panel.first), scaled(emitter_, step, int64_t{panel.vectors} * plan_.lanes));
        for (unsigned v = 0; v < panel.vectors; ++v) {
          Value *offset = number(int64_t{v} * plan_.lanes);
          Value *from = at(line, ir().CreateAdd(panel.first, offset));
          Value *vector = load_lanes(ir(), type, from, v + 1 == panel.vectors ? mask : nullptr);
          ir().CreateAlignedStore(vector, at(to, offset), align);
        }
      });
    });
  }

  // Through the panels: a tile goes over all of them.
  void run(Value *begin, Value *end) {
    finished_ = emitter_.finished();
    for (int64_t rows : plan_.classes) {
      Value *last = class_end(rows, begin, end);
      for_range(emitter_, begin, last, rows, [&](Value *row) {
        for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) { emit(rows, row, panel); });
      });
      begin = last;
    }
  }

  // With B where it lies: its lines are read in pieces, which pays for few rows.
  void run_unpacked(Value *begin, Value *end) {
    packed_ = false;
    for_panels(emitter_, plan_.panels, nullptr, nullptr, [&](const Panel &panel) {
      Value *first = begin;
      for (int64_t rows : plan_.classes) {
        Value *last = class_end(rows, first, end);
        for_range(emitter_, first, last, rows, [&](Value *row) { emit(rows, row, panel); });
        first = last;
      }
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  Value *panel_at(Value *column) { return at(emitter_.scratch_apart(), scaled(emitter_, column, matmul_.steps.size)); }

  // Behind the last whole tile.
  Value *class_end(int64_t rows, Value *begin, Value *end) {
    Value *whole = ir().CreateSDiv(ir().CreateSub(end, begin), number(rows));
    return ir().CreateAdd(begin, scaled(emitter_, whole, rows));
  }
  // Elements from one row of a matrix, or pixel of an image, to the next.
  static int64_t line_of(const Address &address) { return address.strides[address.strides.size() - 2]; }
  // All but the last axis of row number `row` + r of the result.
  std::vector<IndexValue> index(Value *row, int64_t r) {
    IndexValue first = index_of(emitter_, row);
    if (plan_.grid.width == 0) return {{first.variable, first.constant + r}};
    Value *pixel = ir().CreateAdd(row, number(r));
    Value *line = ir().CreateUDiv(pixel, number(plan_.grid.width)), *height = number(plan_.grid.height);
    return {index_of(emitter_, ir().CreateUDiv(line, height)), index_of(emitter_, ir().CreateURem(line, height)),
            index_of(emitter_, ir().CreateURem(pixel, number(plan_.grid.width)))};
  }
  // Where that row of a value is.
  Value *row_at(const Address &address, Value *row) {
    Value *offset = number(0);
    std::vector<IndexValue> place = index(row, 0);
    for (size_t axis = 0; axis < place.size(); ++axis) {
      Value *i = number(place[axis].constant);
      if (place[axis].variable != nullptr) i = ir().CreateAdd(place[axis].variable, i);
      offset = ir().CreateAdd(offset, scaled(emitter_, i, address.strides[axis]));
    }
    return at(address.base, offset);
  }

  void emit(int64_t rows, Value *row, const Panel &panel) {
    const Address &a = emitter_.operand(0), &b = emitter_.operand(1);
    Tile tile{element_, plan_.lanes, panel.vectors};
    for (int64_t r = 0; r < rows; ++r) tile.rows.push_back(number(r * line_of(a)));
    int64_t width = packed_ ? int64_t{panel.vectors} * plan_.lanes : line_of(b);
    tile.reductions = {{number(matmul_.steps.size), number(1), number(width)}};
    if (!packed_) tile.tail = panel.tail;
    if (rows == plan_.classes.front()) {
      tile.prefetch_b = number(width * (packed_ ? kPanelStepsAhead : kLineStepsAhead));
      if (packed_) look_ahead(tile, a, rows, row, panel);
      for (const Address &address : finished_)
        if (address.dtype == matmul_.dtype) look_ahead(tile, address, rows, row, panel);
    }
    Value *start = at(a.base, scaled(emitter_, row, line_of(a)));
    Value *b_start = packed_ ? panel_at(panel.first) : at(b.base, panel.first);
    Accumulators sums = emit_tile(ir(), emitter_.target(), tile, start, b_start);
    tile.tail = panel.tail;
    finish_tile(emitter_, tile, sums, panel.first, [&](size_t r) { return index(row, static_cast<int64_t>(r)); });
  }

  // Each panel of a tile prefetches its share of the rows that the next tile reads or writes.
  void look_ahead(Tile &tile, const Address &address, int64_t rows, Value *row, const Panel &panel) {
    int64_t width = line_of(address);
    int64_t turns = std::max<int64_t>(1, matmul_.steps.size / kTurnSteps);
    int64_t share = rows * width / plan_.panel_count();
    int64_t lines = std::min((share + turns * line_ - 1) / (turns * line_), kMostLinesOfTurn);
    Value *next = row_at(address, ir().CreateAdd(row, number(rows)));
    Value *part = ir().CreateMul(ir().CreateSDiv(panel.first, number(plan_.panels.width())), number(share));
    Ahead ahead{at(next, part), false, {}, number(lines * line_)};
    for (int64_t i = 0; i < lines; ++i) ahead.offsets.push_back(number(i * line_));
    tile.ahead.push_back(ahead);
  }

  KernelEmitter &emitter_;
  const ManyRowsPlan &plan_;
  const Matmul &matmul_;
  llvm::Type *element_;
  int64_t line_;
  std::vector<Address> finished_;  // to be prefetched
  bool packed_ = true;
};

}  // namespace

bool has_many_rows(const Matmul &matmul, const Target &target) {
  return matmul.rows.batch && matmul.rows.size >= kLeastRows && !matmul.steps.batch && !matmul.columns.batch &&
         !matmul.transpose_a && !matmul.transpose_b && matmul.columns.size >= target.lanes(matmul.dtype) &&
         matmul.steps.size * matmul.columns.size * static_cast<int64_t>(byte_size(matmul.dtype)) <= kMostBytes;
}

ContractionLowering plan_many_rows(const Matmul &matmul, const Target &target, bool constant_b, PixelGrid grid) {
  ManyRowsPlan plan{matmul, grid, target.lanes(matmul.dtype)};
  plan.element_bytes = static_cast<int64_t>(byte_size(matmul.dtype));
  int64_t all_vectors = (matmul.columns.size + plan.lanes - 1) / plan.lanes;
  int64_t vectors = std::min<int64_t>(2, all_vectors);
  plan.panels = make_panels(matmul.columns.size, plan.lanes, vectors);
  plan.classes.push_back(most_rows(target, vectors));
  if (plan.classes.front() > kLastRows) plan.classes.push_back(kLastRows);
  if (plan.classes.front() > 1) plan.classes.push_back(1);

  ContractionLowering lowering;
  if (constant_b) lowering.prepared_as = fmt::format("lines in panels of {}", plan.panels.width());
  lowering.scratch_apart = (plan.panel_count() * plan.panel_elements() * plan.element_bytes + 63) / 64 * 64;
  double steps = static_cast<double>(matmul.steps.size);
  KernelStage pack;
  pack.suffix = "pack";
  pack.prepares = true;
  pack.units = matmul.steps;
  double packed = static_cast<double>(matmul.columns.size * plan.element_bytes) / 20;
  pack.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(kChunkNanoseconds / packed));
  set_cost(pack, packed);
  pack.emit = [plan, group = pack.units_per_chunk](KernelEmitter &emitter) {
    auto [begin, end] = units_of_chunk(emitter, plan.matmul.steps, group);
    ManyRowsEmitter(emitter, plan).pack(begin, end);
  };
  lowering.stages.push_back(std::move(pack));

  KernelStage tiles;
  tiles.suffix = "tile";
  tiles.units = matmul.rows;
  double work = steps * static_cast<double>(matmul.columns.size);
  tiles.units_per_chunk = units_per_chunk(work * static_cast<double>(plan.classes.front())) * plan.classes.front();
  set_cost(tiles, nanoseconds(work));
  cut_single_sample(tiles, plan.classes.front());
  auto emit_rows = [units = tiles.units, group = tiles.units_per_chunk](const ManyRowsPlan &rows, auto run) {
    return [=](KernelEmitter &emitter) {
      auto [begin, end] = units_of_chunk(emitter, units, group);
      (ManyRowsEmitter(emitter, rows).*run)(begin, end);
    };
  };
  tiles.emit = emit_rows(plan, &ManyRowsEmitter::run);
  lowering.stages.push_back(tiles);

  int64_t packed_batch = (kPackedRows + matmul.rows.size - 1) / matmul.rows.size;
  if (packed_batch == 1) return lowering;
  for (KernelStage &stage : lowering.stages) stage.least_batch = packed_batch;
  tiles.suffix = "";
  tiles.most_batch = packed_batch - 1;
  tiles.emit = emit_rows(plan, &ManyRowsEmitter::run_unpacked);
  lowering.stages.insert(lowering.stages.begin(), std::move(tiles));
  return lowering;
}

}  // namespace netc::contraction
