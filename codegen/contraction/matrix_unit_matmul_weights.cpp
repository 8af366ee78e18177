// The gradient of a dense layer's weights on the matrix unit: the steps are the samples of the batch. x is turned, dy
// packed, in panels of 32 samples; the samples behind the last whole panel have one of their own, filled up with zeros.
#include <algorithm>

#include "codegen/contraction/common.h"
#include "codegen/contraction/matrix_unit.h"
#include "codegen/contraction/matrix_unit_products.h"
#include "codegen/contraction/transpose.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kWeightRows = 2 * kTileRows;  // of the result, in a block

class TiledWeightsEmitter {
 public:
  TiledWeightsEmitter(KernelEmitter &emitter, const Matmul &matmul)
      : emitter_(emitter),
        matmul_(matmul),
        rows_(matmul.rows.size),
        blocks_((matmul.columns.size + kTileColumns - 1) / kTileColumns),
        samples_(dim_value(emitter, matmul.steps)),
        whole_(ir().CreateLShr(samples_, number(5))),
        unit_(emitter),
        scratch_(emitter.scratch()),
        apart_(emitter.scratch_apart()) {}

  static int64_t row_panel_bytes(const Matmul &matmul) { return matmul.rows.size * kTileSteps * 2; }
  static int64_t column_panel_bytes(const Matmul &matmul) {
    return (matmul.columns.size + kTileColumns - 1) / kTileColumns * kTileBytes;
  }

  // One panel of samples.
  void prepare(Value *panel) {
    Value *first = scaled(emitter_, panel, kTileSteps);
    Value *last = ir().CreateSub(ir().CreateSub(samples_, number(1)), first);  // of the panel
    Value *x = element_at(emitter_, ir().getInt16Ty(), emitter_.operand(0).base, scaled(emitter_, first, rows_));
    emit_transpose(emitter_, {DType::bf16, kTileSteps, kTileSteps, number(0), number(kTileSteps), x, rows_of(panel),
                              number(rows_), number(rows_), last});
    emitter_.loop(number(0), number(blocks_), 1, [&](Value *block) {
      Value *inside = columns_inside(emitter_, matmul_.columns.size, block);
      emitter_.loop(number(0), number(kTileSteps / 2), 1, [&](Value *pair) {
        Value *to = columns_of(panel, block);
        to = element_at(emitter_, ir().getInt8Ty(), to, scaled(emitter_, pair, 4 * kTileColumns));
        Value *sample = ir().CreateAdd(first, scaled(emitter_, pair, 2));
        // What is missing is read from a line that is there, and masked.
        Value *missing = ir().CreateSub(samples_, sample);
        Value *whole = ir().CreateICmpSGT(missing, number(1)), *half = ir().CreateICmpEQ(missing, number(1));
        when(emitter_, whole,
             [&] { emit_pairs(emitter_, line(sample, block), line(next(sample), block), inside, to); });
        when(emitter_, half, [&] { emit_pairs(emitter_, line(sample, block), nullptr, inside, to); });
        when(emitter_, ir().CreateICmpSLE(missing, number(0)),
             [&] { emit_pairs(emitter_, nullptr, nullptr, inside, to); });
      });
    });
  }

  // The blocks of rows of the result in [begin, end).
  void run(Value *begin, Value *end) {
    unit_.configure(number(kTileRows), number(kTileRows), kTileSteps);
    emitter_.loop(begin, end, 1, [&](Value *block) {
      Value *row = scaled(emitter_, block, kWeightRows);
      Value *rows =
          ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, number(kWeightRows), ir().CreateSub(number(rows_), row));
      for_tile_panels(emitter_, matmul_.columns.size, nullptr, nullptr, [&](Value *column, int64_t columns) {
        Value *sums = unit_.stack_sums();
        unit_.multiply(block_at(number(0), row, column, columns, whole_), sums, number(MatrixUnit::kSumsStride), false);
        when(emitter_, ir().CreateICmpNE(ir().CreateAnd(samples_, number(kTileSteps - 1)), number(0)), [&] {
          unit_.multiply(block_at(whole_, row, column, columns, number(1)), sums, number(MatrixUnit::kSumsStride),
                         true);
        });
        finish_rows(emitter_, sums, number(0), rows, column, columns, [&](Value *done) {
          return std::vector<IndexValue>{index_of(emitter_, ir().CreateAdd(row, done))};
        });
      });
    });
    unit_.release();
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *next(Value *sample) { return ir().CreateAdd(sample, number(1)); }
  Value *bytes(Value *base, Value *offset) { return element_at(emitter_, ir().getInt8Ty(), base, offset); }

  Value *line(Value *sample, Value *block) {
    Value *place =
        ir().CreateAdd(scaled(emitter_, sample, matmul_.columns.size), scaled(emitter_, block, kTileColumns));
    return element_at(emitter_, ir().getInt16Ty(), emitter_.operand(1).base, place);
  }

  // Whole panels follow one another, x then dy; the last one lies apart.
  Value *rows_of(Value *panel) {
    Value *place = bytes(scratch_, scaled(emitter_, panel, row_panel_bytes(matmul_)));
    return ir().CreateSelect(ir().CreateICmpSLT(panel, whole_), place, apart_);
  }
  Value *columns_of(Value *panel, Value *block) {
    Value *start = bytes(scratch_, scaled(emitter_, whole_, row_panel_bytes(matmul_)));
    Value *place = bytes(start, scaled(emitter_, panel, column_panel_bytes(matmul_)));
    Value *apart = bytes(apart_, number(row_panel_bytes(matmul_)));
    place = ir().CreateSelect(ir().CreateICmpSLT(panel, whole_), place, apart);
    return bytes(place, scaled(emitter_, block, kTileBytes));
  }

  TileBlock block_at(Value *panel, Value *row, Value *column, int64_t columns, Value *panels) {
    TileBlock block;
    block.a_stride = number(kTileSteps * 2);
    Value *rows = bytes(rows_of(panel), scaled(emitter_, row, kTileSteps * 2));
    block.a = {rows, bytes(rows, number(kTileRows * kTileSteps * 2))};
    Value *first = ir().CreateLShr(column, number(4));
    for (int64_t done = 0; done < columns; done += kTileColumns)
      block.b.push_back(columns_of(panel, ir().CreateAdd(first, number(done / kTileColumns))));
    block.loops = {{panels, number(row_panel_bytes(matmul_)), number(column_panel_bytes(matmul_))}};
    return block;
  }

  KernelEmitter &emitter_;
  const Matmul &matmul_;
  int64_t rows_, blocks_;
  Value *samples_, *whole_;
  MatrixUnit unit_;
  Value *scratch_, *apart_;
};

}  // namespace

std::optional<ContractionLowering> plan_tiled_matmul_weights(const Matmul &matmul) {
  if (!matmul.transpose_a || matmul.transpose_b || !matmul.steps.batch || matmul.rows.batch || matmul.columns.batch)
    return std::nullopt;
  auto aligned = [](int64_t bytes) { return (bytes + 63) / 64 * 64; };
  int64_t panel = TiledWeightsEmitter::row_panel_bytes(matmul) + TiledWeightsEmitter::column_panel_bytes(matmul);
  ContractionLowering lowering;
  lowering.scratch_batch = aligned(matmul.steps.size * (panel / kTileSteps + 1));
  // The rows of a tile may go on behind the last ones: what they give is not used.
  lowering.scratch_apart = aligned(panel) + kWeightRows * kTileSteps * 2;

  KernelStage prepare;
  prepare.suffix = "turn";
  prepare.units = matmul.steps;
  double of_panel = static_cast<double>(panel) / 8;
  int64_t panels = std::max<int64_t>(1, static_cast<int64_t>(kChunkNanoseconds / of_panel));
  prepare.units_per_chunk = panels * kTileSteps;
  set_cost(prepare, of_panel / kTileSteps);
  prepare.emit = [matmul, units = prepare.units, panels](KernelEmitter &emitter) {
    auto [begin, end] = units_of_chunk(emitter, units, panels * kTileSteps);
    llvm::IRBuilder<> &ir = emitter.ir();
    Value *last = ir.CreateLShr(ir.CreateAdd(end, ir.getInt64(kTileSteps - 1)), ir.getInt64(5));
    TiledWeightsEmitter weights(emitter, matmul);
    emitter.loop(ir.CreateLShr(begin, ir.getInt64(5)), last, 1, [&](Value *panel) { weights.prepare(panel); });
  };
  lowering.stages.push_back(std::move(prepare));

  constexpr int64_t kTypicalSamples = 64;
  KernelStage tiles;
  tiles.suffix = "tile";
  tiles.units = {(matmul.rows.size + kWeightRows - 1) / kWeightRows, false};
  double of_row = static_cast<double>(matmul.columns.size * matmul.steps.size);
  tiles.units_per_chunk =
      std::max<int64_t>(1, static_cast<int64_t>(kTileChunkProducts / (of_row * kTypicalSamples * kWeightRows)));
  tiles.batch_nanoseconds = tile_nanoseconds(of_row * static_cast<double>(matmul.rows.size));
  tiles.emit = [matmul, units = tiles.units, group = tiles.units_per_chunk](KernelEmitter &emitter) {
    auto [begin, end] = units_of_chunk(emitter, units, group);
    TiledWeightsEmitter(emitter, matmul).run(begin, end);
  };
  lowering.stages.push_back(std::move(tiles));
  return lowering;
}

}  // namespace netc::contraction
