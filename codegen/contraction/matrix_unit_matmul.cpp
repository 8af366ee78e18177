// Matrix products on the matrix unit: B is packed first, rows of A are loaded as they lie.
#include <algorithm>

#include "codegen/contraction/common.h"
#include "codegen/contraction/matrix_unit.h"
#include "codegen/contraction/matrix_unit_products.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kBlockRows = 2 * kTileRows;

class TiledMatmulEmitter {
 public:
  TiledMatmulEmitter(KernelEmitter &emitter, const Matmul &matmul, const PackedColumns &packed)
      : emitter_(emitter),
        matmul_(matmul),
        packed_(packed),
        steps_(tile_steps(packed.steps)),
        unit_(emitter),
        blocks_(emitter.scratch_apart()) {}

  // Rows [begin, end) times the panels of columns in [first_panel, last_panel).
  void run(Value *begin, Value *end, Value *first_panel, Value *last_panel) {
    Value *rows = ir().CreateSub(end, begin);
    Value *middle = ir().CreateAdd(begin, ir().CreateAnd(rows, number(-kBlockRows)));
    Value *left = ir().CreateSub(end, middle);
    auto panels = [&](const auto &body) { for_tile_panels(emitter_, packed_.columns, first_panel, last_panel, body); };
    when(emitter_, ir().CreateICmpSGT(middle, begin), [&] {
      unit_.configure(number(kTileRows), number(kTileRows), steps_);
      panels([&](Value *column, int64_t columns) {
        emitter_.loop(begin, middle, kBlockRows,
                      [&](Value *row) { emit_block(row, 2, number(kBlockRows), column, columns); });
      });
    });
    Value *two = ir().CreateICmpSGT(left, number(kTileRows));
    when(emitter_, two, [&] {
      unit_.configure(number(kTileRows), ir().CreateSub(left, number(kTileRows)), steps_);
      panels([&](Value *column, int64_t columns) { emit_block(middle, 2, left, column, columns); });
    });
    when(emitter_, ir().CreateAnd(ir().CreateNot(two), ir().CreateICmpSGT(left, number(0))), [&] {
      unit_.configure(left, number(1), steps_);
      panels([&](Value *column, int64_t columns) { emit_block(middle, 1, left, column, columns); });
    });
    unit_.release();
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }

  void emit_block(Value *row, int64_t tiles, Value *rows, Value *column, int64_t columns) {
    const Address &a = emitter_.operand(0);
    TileBlock block;
    block.a_stride = number(packed_.steps * 2);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      Value *first = ir().CreateAdd(row, number(tile * kTileRows));
      block.a.push_back(element_at(emitter_, ir().getInt16Ty(), a.base, scaled(emitter_, first, packed_.steps)));
    }
    Value *number_of_block = ir().CreateLShr(column, number(4));
    for (int64_t done = 0; done < columns; done += kTileColumns) {
      Value *place =
          scaled(emitter_, ir().CreateAdd(number_of_block, number(done / kTileColumns)), packed_.block_bytes());
      block.b.push_back(element_at(emitter_, ir().getInt8Ty(), blocks_, place));
    }
    block.loops = {{number(packed_.steps / steps_), number(steps_ * 2), number(steps_ * kTileColumns * 2)}};
    Value *sums = unit_.stack_sums();
    unit_.multiply(block, sums, number(MatrixUnit::kSumsStride), false);
    finish_rows(emitter_, sums, number(0), rows, column, columns,
                [&](Value *done) { return std::vector<IndexValue>{index_of(emitter_, ir().CreateAdd(row, done))}; });
  }

  KernelEmitter &emitter_;
  const Matmul &matmul_;
  const PackedColumns &packed_;
  int64_t steps_;
  MatrixUnit unit_;
  Value *blocks_;
};

}  // namespace

std::optional<ContractionLowering> plan_tiled_matmul(const Matmul &matmul, bool constant_kernel) {
  if (matmul.transpose_a || matmul.steps.batch || matmul.columns.batch || tile_steps(matmul.steps.size) == 0)
    return std::nullopt;
  PackedColumns packed{matmul.steps.size, matmul.columns.size, matmul.transpose_b};
  ContractionLowering lowering;
  add_packing_stage(lowering, packed, constant_kernel);

  KernelStage stage;
  stage.suffix = "tile";
  double of_row = static_cast<double>(packed.steps * packed.columns);
  // A batch of single rows meets the panels one after the other; many rows, the pixels of images, are cut.
  bool by_panels = matmul.rows.batch && matmul.rows.size == 1;
  stage.units = by_panels ? Dim{tile_panels(packed.columns), false} : matmul.rows;
  if (by_panels) {
    constexpr double kTypicalRows = 64;
    double of_panel = kTypicalRows * static_cast<double>(packed.steps * 2 * kTileColumns);
    stage.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(kTileChunkProducts / of_panel));
    stage.batch_nanoseconds = tile_nanoseconds(of_row);
  } else {
    auto rows = static_cast<int64_t>(kTileChunkProducts / of_row);
    stage.units_per_chunk = std::max(kBlockRows, rows / kBlockRows * kBlockRows);
    set_cost(stage, tile_nanoseconds(of_row));
  }
  stage.emit = [matmul, packed, by_panels, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    llvm::IRBuilder<> &ir = emitter.ir();
    Value *begin = scaled(emitter, emitter.chunk(), group);
    Value *end =
        ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir.CreateAdd(begin, ir.getInt64(static_cast<uint64_t>(group))),
                                 dim_value(emitter, units));
    TiledMatmulEmitter tiles(emitter, matmul, packed);
    if (by_panels)
      tiles.run(ir.getInt64(0), dim_value(emitter, matmul.rows), begin, end);
    else
      tiles.run(begin, end, nullptr, nullptr);
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
