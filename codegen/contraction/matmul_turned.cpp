// First A is transposed into panels of two vectors along the batch, as long as there are steps. Then each chunk takes
// some rows of B and goes over all panels: tiles of the turned result, gathered on the stack for a few tiles one below
// the other, transposed there and finished row by row. Lanes behind the last row of A repeat it and are not finished.
#include "codegen/contraction/matmul_turned.h"

#include <algorithm>

#include "codegen/contraction/common.h"
#include "codegen/contraction/transpose.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kVectors = 2;       // of a panel
constexpr int64_t kTilesOfGroup = 4;  // whose results are transposed together
constexpr int64_t kLeastSteps = 96;
constexpr int64_t kLeastTileRows = 4;
constexpr int64_t kTypicalBatch = 64;

// As many as fit, so that the tiles of a group make whole vectors.
int64_t tile_rows(const Target &target, DType dtype) {
  int64_t rows = most_rows(target, kVectors);
  while (rows > 1 && kTilesOfGroup * rows % target.lanes(dtype) != 0) --rows;
  return rows;
}

struct TurnedPlan {
  Matmul matmul;
  unsigned lanes = 1;
  int64_t rows = 1;  // of B in a tile
  Panels groups;     // of columns of the result: rows of B

  int64_t width() const { return kVectors * lanes; }
};

class TurnedEmitter {
 public:
  TurnedEmitter(KernelEmitter &emitter, const TurnedPlan &plan)
      : emitter_(emitter), plan_(plan), matmul_(plan.matmul), element_(element_type(emitter, matmul_.dtype)) {
    batch_ = dim_value(emitter_, matmul_.rows);
    steps_ = number(matmul_.steps.size);
  }

  // The panel that begins at this row of A.
  void turn(Value *first) {
    Value *left = ir().CreateSub(batch_, first);
    const Address &a = emitter_.operand(0);
    emit_transpose(emitter_, {matmul_.dtype, plan_.width(), plan_.width(), number(0), number(plan_.width()),
                              at(a.base, scaled(emitter_, first, a.strides[0])), panel_at(first), number(a.strides[0]),
                              steps_, ir().CreateSub(left, number(1))});
  }

  // The groups in [begin, end), for all of the batch.
  void run(Value *begin, Value *end) {
    turned_ = stack();
    straight_ = stack();
    Value *first = scaled(emitter_, begin, plan_.groups.width());
    Value *last = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, scaled(emitter_, end, plan_.groups.width()),
                                             number(matmul_.columns.size));
    for_panels(emitter_, plan_.groups, first, last, [&](const Panel &group) {
      emitter_.loop(number(0), batch_, plan_.width(), [&](Value *row) {
        Value *left = ir().CreateSub(batch_, row);
        Value *few = ir().CreateICmpSLE(left, number(plan_.lanes));
        Value *choice = ir().CreateZExt(few, ir().getInt64Ty());
        emitter_.loop(choice, number(1), 1, [&](Value *) { emit_group(group, row, kVectors); });
        emitter_.loop(number(0), choice, 1, [&](Value *) { emit_group(group, row, 1); });
        finish(group, row, ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, left, number(plan_.width())));
      });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  // Scratch memory holds one panel behind the other.
  Value *panel_at(Value *row) { return at(emitter_.scratch(), ir().CreateMul(row, steps_)); }
  int64_t columns(const Panel &group) const {
    return static_cast<int64_t>(group.vectors) * plan_.lanes - (group.tail == 0 ? 0 : plan_.lanes - group.tail);
  }

  // A group's results for one panel, on the stack of this call.
  Value *stack() { return on_stack(emitter_, element_, plan_.groups.width() * plan_.width()); }

  void emit_group(const Panel &group, Value *row, unsigned vectors) {
    int64_t whole = columns(group) / plan_.rows * plan_.rows;
    for_range(emitter_, number(0), number(whole), plan_.rows,
              [&](Value *place) { emit_tile_at(group, place, plan_.rows, row, vectors); });
    if (columns(group) > whole) emit_tile_at(group, number(whole), columns(group) - whole, row, vectors);
  }

  void emit_tile_at(const Panel &group, Value *place, int64_t rows, Value *row, unsigned vectors) {
    const Address &b = emitter_.operand(1);
    Tile tile{element_, plan_.lanes, vectors};
    for (int64_t r = 0; r < rows; ++r) tile.rows.push_back(number(r * b.strides[0]));
    tile.reductions = {{steps_, number(1), number(plan_.width())}};
    Value *start = at(b.base, scaled(emitter_, ir().CreateAdd(group.first, place), b.strides[0]));
    if (matmul_.steps.size * matmul_.columns.size >= kFarElements) {
      // The tile at this place of the next group, as one piece of memory.
      Ahead next{at(start, number(plan_.groups.width() * b.strides[0])), false, {}, nullptr, number(rows)};
      int64_t line = 64 / static_cast<int64_t>(byte_size(matmul_.dtype));
      for (int64_t k = 0; k < 8 * rows; k += line) next.offsets.push_back(number(k));
      tile.ahead.push_back(next);
    }
    Accumulators sums = emit_tile(ir(), emitter_.target(), tile, start, panel_at(row));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < vectors; ++v) {
        Value *line = ir().CreateAdd(place, number(static_cast<int64_t>(r)));
        Value *to =
            at(turned_, ir().CreateAdd(scaled(emitter_, line, plan_.width()), number(int64_t{v} * plan_.lanes)));
        ir().CreateAlignedStore(sums[r][v], to, align());
      }
  }

  void finish(const Panel &group, Value *row, Value *count) {
    int64_t width = static_cast<int64_t>(group.vectors) * plan_.lanes;
    emit_transpose(emitter_, {matmul_.dtype, columns(group), width, number(0), number(columns(group)), turned_,
                              straight_, number(plan_.width()), count});
    Tile tile{element_, plan_.lanes, group.vectors, group.tail};
    llvm::Type *type = accumulator_type(tile);
    emitter_.loop(number(0), count, 1, [&](Value *i) {
      Accumulators sums(1);
      for (unsigned v = 0; v < group.vectors; ++v) {
        Value *from = at(straight_, ir().CreateAdd(scaled(emitter_, i, width), number(int64_t{v} * plan_.lanes)));
        sums[0].push_back(ir().CreateAlignedLoad(type, from, align()));
      }
      Value *line = ir().CreateAdd(row, i);
      finish_tile(emitter_, tile, sums, group.first,
                  [&](size_t) { return std::vector<IndexValue>{index_of(emitter_, line)}; });
    });
  }

  llvm::Align align() const { return llvm::Align(plan_.lanes * byte_size(matmul_.dtype)); }

  KernelEmitter &emitter_;
  const TurnedPlan &plan_;
  const Matmul &matmul_;
  llvm::Type *element_;
  Value *batch_, *steps_;
  Value *turned_ = nullptr, *straight_ = nullptr;
};

}  // namespace

bool can_turn(const Matmul &matmul, const Target &target) {
  return matmul.transpose_b && !matmul.transpose_a && matmul.rows.batch && !matmul.steps.batch &&
         !matmul.columns.batch && matmul.steps.size >= kLeastSteps && tile_rows(target, matmul.dtype) >= kLeastTileRows;
}

ContractionLowering plan_turned_matmul(const Matmul &matmul, const Target &target) {
  TurnedPlan plan{matmul, target.lanes(matmul.dtype), tile_rows(target, matmul.dtype)};
  plan.groups = make_panels(matmul.columns.size, plan.lanes, kTilesOfGroup * plan.rows / plan.lanes);

  ContractionLowering lowering;
  int64_t bytes = matmul.steps.size * static_cast<int64_t>(byte_size(matmul.dtype));
  lowering.scratch_batch = (matmul.rows.size * bytes + 63) / 64 * 64;
  lowering.scratch_fixed = (plan.width() * bytes + 63) / 64 * 64;

  double steps = static_cast<double>(matmul.steps.size);
  KernelStage turn;
  turn.suffix = "turn";
  turn.units = matmul.rows;
  turn.units_per_chunk = plan.width();
  set_cost(turn, steps * static_cast<double>(byte_size(matmul.dtype)) / 20);
  turn.emit = [plan](KernelEmitter &emitter) {
    TurnedEmitter(emitter, plan).turn(scaled(emitter, emitter.chunk(), plan.width()));
  };
  lowering.stages.push_back(std::move(turn));

  KernelStage tiles;
  tiles.suffix = "tile";
  tiles.units = {(matmul.columns.size + plan.groups.width() - 1) / plan.groups.width(), false};
  double work = steps * static_cast<double>(std::min(plan.groups.width(), matmul.columns.size) * matmul.rows.size);
  tiles.units_per_chunk = units_per_chunk(work * kTypicalBatch);
  tiles.batch_nanoseconds = nanoseconds(work) * static_cast<double>(tiles.units.size);
  tiles.emit = [plan, units = tiles.units, group = tiles.units_per_chunk](KernelEmitter &emitter) {
    auto [begin, end] = units_of_chunk(emitter, units, group);
    TurnedEmitter(emitter, plan).run(begin, end);
  };
  lowering.stages.push_back(std::move(tiles));
  return lowering;
}

}  // namespace netc::contraction
