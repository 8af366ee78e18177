// A right side that is transposed, or larger than the first-level cache, is used through panels: a stretch of steps of
// a few vectors of columns is copied to the stack, where it is contiguous and stays in the first-level cache while all
// rows of the chunk pass over it. Of a transposed one the copy is a transposition in registers; otherwise the first
// tile makes it in passing. Sums that are not finished wait on the stack for the next stretch of steps.
#include "codegen/contraction/matmul_tiles.h"

#include "codegen/contraction/common.h"
#include "codegen/contraction/transpose.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// A tile that reads B where it lies prefetches so many steps ahead: more would crowd the first-level cache where the
// lines of B meet in it.
constexpr int64_t kStepsAhead = 12;
constexpr int64_t kUnrolled = 4;  // steps in a turn; more is no faster, but for tiles that prefetch the next panel
// So many tiles over a panel of a prepared copy prefetch the next one.
constexpr int64_t kSharesOfPanel = 2;

class MatmulEmitter {
 public:
  MatmulEmitter(KernelEmitter &emitter, const MatmulPlan &plan)
      : emitter_(emitter), plan_(plan), matmul_(plan.matmul), element_(element_type(emitter, matmul_.dtype)) {
    steps_ = dim_value(emitter_, matmul_.steps);
    rows_ = dim_value(emitter_, matmul_.rows);
    a_line_ = line_stride(0);
    b_line_ = line_stride(1);
    a_row_ = matmul_.transpose_a ? number(1) : a_line_;
    a_step_ = matmul_.transpose_a ? a_line_ : number(1);
  }

  // The blocks of columns in [first_block, end_block), for the rows in [begin, end).
  void run(const std::vector<RowClass> &classes, Value *first_block, Value *end_block, Value *begin, Value *end) {
    auto [first, last] = columns_of(first_block, end_block);
    for_classes(classes, begin, end, [&](const RowClass &rows, Value *class_begin, Value *class_last) {
      for_panels(emitter_, rows.panels, first, last, [&](const Panel &panel) {
        const Source source = source_of(panel.first);
        for_range(emitter_, class_begin, class_last, rows.rows, [&](Value *row) {
          Value *next = nullptr;
          if (plan_.prepared && &rows == &plan_.classes.front() && prefers_prefetch(kFarElements))
            next = share_of_next_panel(source, ir().CreateSDiv(ir().CreateSub(row, class_begin), number(rows.rows)));
          emit_whole(rows.rows, panel, row, source, next);
        });
      });
    });
  }

  void copy_to_scratch(Value *begin, Value *end) {
    const Panels &panels = plan_.classes.front().panels;
    Tile tile{element_, plan_.lanes};
    llvm::Type *type = accumulator_type(tile);
    llvm::Align align(static_cast<uint64_t>(plan_.element_bytes));
    for_range(emitter_, begin, end, 1, [&](Value *step) {
      Value *line = element_at(emitter_, element_, emitter_.operand(1).base, ir().CreateMul(step, b_line_));
      for_panels(emitter_, panels, nullptr, nullptr, [&](const Panel &panel) {
        Source to = scratch_panel(panel.first);
        to.start = element_at(emitter_, element_, to.start, ir().CreateMul(step, to.step));
        for (unsigned v = 0; v < panel.vectors; ++v) {
          Value *offset = number(static_cast<int64_t>(v) * plan_.lanes);
          Value *from = element_at(emitter_, element_, line, ir().CreateAdd(panel.first, offset));
          ir().CreateAlignedStore(ir().CreateAlignedLoad(type, from, align),
                                  element_at(emitter_, element_, to.start, offset), align);
        }
      });
    });
  }

  // One block, through its copy.
  void run_packed(Value *block, Value *begin, Value *end) {
    auto [first, last] = columns_of(block, ir().CreateAdd(block, number(1)));
    const RowClass &largest = plan_.classes.front();
    packed_ = stack(plan_.packed_steps);
    if (!in_one_go()) partial_ = stack(plan_.stretch_rows);
    for_panels(emitter_, largest.panels, first, last, [&](const Panel &panel) {
      if (matmul_.transpose_b) return run_panel(plan_.classes, panel, begin, end);
      // Few rows read B but once or twice: no copy. Neither for the few that are left of a batch.
      std::vector<RowClass> larger = plan_.classes, smaller(plan_.classes.begin() + 1, plan_.classes.end());
      if (matmul_.rows.batch) larger.pop_back();
      Value *enough = ir().CreateICmpSGT(class_end(largest, begin, end), begin);
      Value *middle = begin;
      for (const RowClass &rows : larger) middle = class_end(rows, middle, end);
      middle = ir().CreateSelect(enough, middle, begin);
      emitter_.loop(number(0), ir().CreateZExt(enough, ir().getInt64Ty()), 1,
                    [&](Value *) { run_panel(larger, panel, begin, middle); });
      const Source source = at_column({emitter_.operand(1).base, b_line_}, panel.first);
      for_classes(smaller, middle, end, [&](const RowClass &rows, Value *class_begin, Value *class_last) {
        for_range(emitter_, class_begin, class_last, rows.rows,
                  [&](Value *row) { emit_whole(rows.rows, panel, row, source); });
      });
    });
  }

  void run_column(Value *column) {
    Tile tile{element_};
    tile.rows = {number(0)};
    tile.reductions = {{steps_, a_step_, matmul_.transpose_b ? number(1) : b_line_}};
    Value *b = element_at(emitter_, element_, emitter_.operand(1).base,
                          ir().CreateMul(column, matmul_.transpose_b ? b_line_ : number(1)));
    for_range(emitter_, number(0), rows_, 1, [&](Value *row) {
      Value *a = element_at(emitter_, element_, emitter_.operand(0).base, ir().CreateMul(row, a_row_));
      finish(tile, emit_tile(ir(), emitter_.target(), tile, a, b), row, column);
    });
  }

 private:
  // Where a tile reads B, and the elements from one step to the next.
  struct Source {
    Value *start;
    Value *step;
  };
  // Steps from `first` on.
  struct Steps {
    Value *first;
    Value *count;
  };

  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }

  // Elements from one row of an operand to the next.
  Value *line_stride(size_t operand) {
    const Address &address = emitter_.operand(operand);
    return address.shape[1].batch ? dim_value(emitter_, address.shape[1]) : number(address.strides[0]);
  }
  std::pair<Value *, Value *> columns_of(Value *first_block, Value *end_block) {
    return {scaled(emitter_, first_block, plan_.block),
            ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, scaled(emitter_, end_block, plan_.block),
                                       number(matmul_.columns.size))};
  }
  Source at_column(Source source, Value *column) {
    source.start = element_at(emitter_, element_, source.start, column);
    return source;
  }
  Source source_of(Value *column) {
    if (plan_.scratch_panels) return scratch_panel(column);
    if (plan_.prepared)
      return {copied_panel(emitter_, *plan_.prepared, column), number(plan_.prepared->panels.width())};
    return at_column({emitter_.operand(1).base, b_line_}, column);
  }
  Source scratch_panel(Value *column) {
    return {element_at(emitter_, element_, emitter_.scratch(), ir().CreateMul(column, steps_)),
            number(plan_.classes.front().panels.width())};
  }
  Value *a_at(Value *row, Value *step) {
    Value *offset = ir().CreateAdd(ir().CreateMul(row, a_row_), ir().CreateMul(step, a_step_));
    return element_at(emitter_, element_, emitter_.operand(0).base, offset);
  }

  // Memory of this call for `lines` lines of a panel.
  Value *stack(int64_t lines) { return on_stack(emitter_, element_, lines * plan_.block); }
  bool in_one_go() const { return !matmul_.steps.batch && matmul_.steps.size <= plan_.packed_steps; }

  // Behind the last whole tile of this class.
  Value *class_end(const RowClass &rows, Value *begin, Value *end) {
    Value *all = ir().CreateSub(end, begin);
    Value *whole = ir().CreateSDiv(all, number(rows.rows));
    if (rows.rows == rows_of_largest() && matmul_.rows.batch)
      whole = ir().CreateSub(whole, left_out(whole, ir().CreateSub(all, scaled(emitter_, whole, rows.rows))));
    return ir().CreateAdd(begin, scaled(emitter_, whole, rows.rows));
  }
  // How many of the `whole` largest tiles are better left out, because the smaller tiles then leave fewer single
  // rows: 8 are 4 and 4 rather than 6, 1 and 1.
  Value *left_out(Value *whole, Value *rest) {
    const int64_t next = plan_.classes.size() > 2 ? plan_.classes[plan_.classes.size() - 2].rows : 1, bits = 8;
    int64_t table = 0;
    for (int64_t few = 0; few < next; ++few) {
      int64_t best = 0;
      for (int64_t n = 1; n < next; ++n)
        if ((few + n * rows_of_largest()) % next < (few + best * rows_of_largest()) % next) best = n;
      table |= best << (few * bits);
    }
    if (table == 0) return number(0);
    Value *few = ir().CreateURem(rest, number(next));
    Value *entry = ir().CreateAnd(ir().CreateLShr(number(table), ir().CreateMul(few, number(bits))), number(0xff));
    return ir().CreateSelect(ir().CreateICmpSGE(whole, entry), entry, number(0));
  }
  int64_t rows_of_largest() const { return plan_.classes.front().rows; }
  // Whole tiles of the first class, then of the next ones with the rows that are left.
  template <typename Body>
  void for_classes(const std::vector<RowClass> &classes, Value *begin, Value *end, const Body &body) {
    for (const RowClass &rows : classes) {
      Value *last = class_end(rows, begin, end);
      body(rows, begin, last);
      begin = last;
    }
  }

  // A large B comes from beyond the level-2 cache, in pieces too short for the processor to see where it goes on.
  bool prefers_prefetch(int64_t least = kLargeElements) const {
    return !matmul_.steps.batch && matmul_.steps.size * matmul_.columns.size >= least;
  }

  Tile make_tile(int64_t rows, const Panel &panel, Value *steps, const Source &b) {
    Tile tile{element_, plan_.lanes, panel.vectors, panel.tail};
    for (int64_t r = 0; r < rows; ++r) tile.rows.push_back(ir().CreateMul(number(r), a_row_));
    if (plan_.packed_steps == 0 || rows < rows_of_largest()) tile.unrolled = kUnrolled;
    tile.reductions = {{steps, a_step_, b.step}};
    return tile;
  }
  void finish(const Tile &tile, const Accumulators &sums, Value *row, Value *column) {
    IndexValue first = index_of(emitter_, row);
    finish_tile(emitter_, tile, sums, column, [&](size_t r) {
      return std::vector<IndexValue>{{first.variable, first.constant + static_cast<int64_t>(r)}};
    });
  }

  // Of a prepared copy: what this tile of a panel prefetches of the next one.
  Value *share_of_next_panel(const Source &panel, Value *number_of_tile) {
    int64_t share = plan_.prepared->panel_size() / kSharesOfPanel;
    Value *place = ir().CreateAdd(scaled(emitter_, number_of_tile, share), number(plan_.prepared->panel_size()));
    return element_at(emitter_, element_, panel.start, place);
  }

  // All steps of a tile, with B where it lies. `next`: where it prefetches a share of a panel; null: nothing.
  void emit_whole(int64_t rows, const Panel &panel, Value *row, const Source &b, Value *next = nullptr) {
    Tile tile = make_tile(rows, panel, steps_, b);
    if (prefers_prefetch()) tile.prefetch_b = ir().CreateMul(b.step, number(kStepsAhead));
    if (plan_.prepared) {
      tile.tail = 0;
      tile.panel = plan_.prepared->panels.vectors;
      tile.panel_step = plan_.prepared->panel_size();
    }
    if (next != nullptr) {
      int64_t line = 64 / plan_.element_bytes, step = plan_.prepared->panels.width() / kSharesOfPanel;
      Ahead ahead{next, false, {}, nullptr, number(step)};
      for (int64_t k = 0; k < tile.unrolled * step; k += line) ahead.offsets.push_back(number(k));
      tile.ahead.push_back(ahead);
    }
    Accumulators sums = emit_tile(ir(), emitter_.target(), tile, a_at(row, number(0)), b.start);
    tile.tail = panel.tail;
    finish(tile, sums, row, panel.first);
  }

  void run_panel(const std::vector<RowClass> &classes, const Panel &panel, Value *begin, Value *end) {
    if (in_one_go()) return run_steps(classes, panel, {number(0), steps_}, begin, end);
    Panel whole = panel;
    whole.tail = 0;
    Tile line = make_tile(1, whole, steps_, {nullptr, nullptr});
    llvm::Type *type = accumulator_type(line);
    for_range(emitter_, begin, end, 1, [&](Value *row) {
      for (unsigned v = 0; v < panel.vectors; ++v)
        ir().CreateAlignedStore(llvm::Constant::getNullValue(type), partial(panel, row, begin, v), vector_align());
    });
    emitter_.loop(number(0), steps_, plan_.packed_steps, [&](Value *step) {
      Value *count = number(plan_.packed_steps);
      if (matmul_.steps.batch || matmul_.steps.size % plan_.packed_steps != 0)
        count = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, count, ir().CreateSub(steps_, step));
      run_steps(classes, panel, {step, count}, begin, end);
    });
    line.tail = panel.tail;
    for_range(emitter_, begin, end, 1, [&](Value *row) {
      Accumulators sums(1);
      for (unsigned v = 0; v < panel.vectors; ++v)
        sums[0].push_back(ir().CreateAlignedLoad(type, partial(panel, row, begin, v), vector_align()));
      finish(line, sums, row, panel.first);
    });
  }

  // These steps of a panel: its copy, then the tiles over it.
  void run_steps(const std::vector<RowClass> &classes, const Panel &panel, const Steps &steps, Value *begin,
                 Value *end) {
    int64_t width = static_cast<int64_t>(panel.vectors) * plan_.lanes;
    const Source copy{packed_, number(width)};
    Value *b = emitter_.operand(1).base;
    Value *rest = begin;
    if (matmul_.transpose_b) {
      Value *panel_end = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir().CreateAdd(panel.first, number(width)),
                                                    number(matmul_.columns.size));
      emit_transpose(emitter_, {matmul_.dtype, matmul_.columns.size, width, panel.first, panel_end,
                                element_at(emitter_, element_, b, steps.first), packed_, b_line_, steps.count});
    } else {
      const RowClass &largest = plan_.classes.front();
      b = element_at(emitter_, element_, b, ir().CreateMul(steps.first, b_line_));
      const Source source = at_column({b, b_line_}, panel.first);
      Tile tile = make_tile(largest.rows, panel, steps.count, source);
      if (prefers_prefetch()) tile.prefetch_b = ir().CreateMul(b_line_, number(kStepsAhead));
      tile.copy_b = packed_;
      emit_part(tile, panel, steps, begin, begin, source);
      rest = ir().CreateAdd(begin, number(largest.rows));
    }
    for_classes(classes, rest, end, [&](const RowClass &rows, Value *class_begin, Value *class_last) {
      for_range(emitter_, class_begin, class_last, rows.rows, [&](Value *row) {
        Tile tile = make_tile(rows.rows, panel, steps.count, copy);
        tile.tail = 0;
        if (&rows == &classes.front() && prefers_prefetch(kFarElements))
          look_ahead(tile, panel, steps, ir().CreateSDiv(ir().CreateSub(row, rest), number(rows.rows)));
        emit_part(tile, panel, steps, row, begin, copy);
      });
    });
  }

  // Tile number `number_of_tile` over a copy prefetches its share, about a quarter, of what the next copy is made from.
  void look_ahead(Tile &tile, const Panel &panel, const Steps &steps, Value *number_of_tile) {
    constexpr int64_t kShares = 4, kStepsOfTurn = 8;
    int64_t width = static_cast<int64_t>(panel.vectors) * plan_.lanes;
    int64_t line = 64 / plan_.element_bytes;
    Value *column = panel.first, *step = steps.first;
    if (in_one_go()) {
      column = ir().CreateAdd(column, number(width));
    } else {
      step = ir().CreateAdd(step, steps.count);
      Value *next = ir().CreateICmpSGE(step, steps_);
      step = ir().CreateSelect(next, number(0), step);
      column = ir().CreateSelect(next, ir().CreateAdd(column, number(width)), column);
    }
    // Of each turn's steps, or of all columns, so many.
    int64_t share = matmul_.transpose_b ? width / kShares : kStepsOfTurn / kShares;
    Value *first = ir().CreateMul(number_of_tile, number(share));
    (matmul_.transpose_b ? column : step) = ir().CreateAdd(matmul_.transpose_b ? column : step, first);
    Value *offset = matmul_.transpose_b ? ir().CreateAdd(ir().CreateMul(column, b_line_), step)
                                        : ir().CreateAdd(ir().CreateMul(step, b_line_), column);
    Ahead next{element_at(emitter_, element_, emitter_.operand(1).base, offset),
               false,
               {},
               nullptr,
               matmul_.transpose_b ? number(1) : b_line_};
    for (int64_t i = 0; i < share; ++i)
      for (int64_t k = 0; k < (matmul_.transpose_b ? 1 : width); k += line)
        next.offsets.push_back(ir().CreateAdd(ir().CreateMul(number(i), b_line_), number(k)));
    tile.ahead.push_back(next);
  }

  llvm::Align vector_align() const { return llvm::Align(plan_.lanes * static_cast<uint64_t>(plan_.element_bytes)); }
  // Where the sums of a row wait.
  Value *partial(const Panel &panel, Value *row, Value *begin, unsigned v) {
    Value *place = scaled(emitter_, ir().CreateSub(row, begin), static_cast<int64_t>(panel.vectors) * plan_.lanes);
    return element_at(emitter_, element_, partial_,
                      ir().CreateAdd(place, number(static_cast<int64_t>(v) * plan_.lanes)));
  }

  // Some steps of a tile; the sums go on where they were left.
  void emit_part(Tile &tile, const Panel &panel, const Steps &steps, Value *row, Value *begin, const Source &b) {
    Value *a = a_at(row, steps.first);
    if (in_one_go()) {
      Accumulators sums = emit_tile(ir(), emitter_.target(), tile, a, b.start);
      tile.tail = panel.tail;
      return finish(tile, sums, row, panel.first);
    }
    auto for_sums = [&](const auto &body) {
      for (size_t r = 0; r < tile.rows.size(); ++r)
        for (unsigned v = 0; v < tile.vectors; ++v)
          body(r, v, partial(panel, ir().CreateAdd(row, number(static_cast<int64_t>(r))), begin, v));
    };
    Accumulators sums(tile.rows.size(), std::vector<Value *>(tile.vectors));
    for_sums([&](size_t r, unsigned v, Value *place) {
      sums[r][v] = ir().CreateAlignedLoad(accumulator_type(tile), place, vector_align());
    });
    sums = emit_tile(ir(), emitter_.target(), tile, a, b.start, std::move(sums));
    for_sums([&](size_t r, unsigned v, Value *place) { ir().CreateAlignedStore(sums[r][v], place, vector_align()); });
  }

  KernelEmitter &emitter_;
  const MatmulPlan &plan_;
  const Matmul &matmul_;
  llvm::Type *element_;
  Value *steps_, *rows_, *a_line_, *b_line_, *a_row_, *a_step_;
  Value *packed_ = nullptr, *partial_ = nullptr;  // on the stack
};

}  // namespace

void emit_stretch(KernelEmitter &emitter, const MatmulPlan &plan, const KernelStage &stage) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *grains = dim_value(emitter, plan.grains());
  auto [begin, end] = units_of_chunk(emitter, stage.units, stage.units_per_chunk);
  Value *rows = dim_value(emitter, plan.matmul.rows);
  Value *one = ir.getInt64(1), *none = ir.getInt64(0);
  Value *first_block = ir.CreateSDiv(begin, grains);
  Value *end_block = ir.CreateAdd(ir.CreateSDiv(ir.CreateSub(end, one), grains), one);
  auto one_block = [&](Value *block) {
    Value *start = ir.CreateMul(block, grains);
    Value *first = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, ir.CreateSub(begin, start), ir.getInt64(0));
    Value *last = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateSub(end, start), grains);
    last = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, scaled(emitter, last, plan.grain()), rows);
    first = scaled(emitter, first, plan.grain());
    if (plan.packed_steps > 0)
      MatmulEmitter(emitter, plan).run_packed(block, first, last);
    else
      MatmulEmitter(emitter, plan).run(plan.classes, block, ir.CreateAdd(block, one), first, last);
  };
  if (plan.single_row.empty()) return emitter.loop(first_block, end_block, 1, one_block);
  // With one row the chunk is made of whole blocks. Loops of one turn or none are the branches.
  Value *single = ir.CreateICmpEQ(rows, one);
  emitter.loop(none, ir.CreateZExt(single, ir.getInt64Ty()), 1,
               [&](Value *) { MatmulEmitter(emitter, plan).run(plan.single_row, first_block, end_block, none, one); });
  emitter.loop(ir.CreateSelect(single, end_block, first_block), end_block, 1, one_block);
}

void emit_scratch_panels(KernelEmitter &emitter, const MatmulPlan &plan, Value *begin, Value *end) {
  MatmulEmitter(emitter, plan).copy_to_scratch(begin, end);
}

void emit_column(KernelEmitter &emitter, const MatmulPlan &plan, Value *column) {
  MatmulEmitter(emitter, plan).run_column(column);
}

}  // namespace netc::contraction
