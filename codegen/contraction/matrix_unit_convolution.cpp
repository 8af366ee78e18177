// Convolutions on the matrix unit: neighbouring pixels of the image, as they lie, are the rows of a tile; taps and
// channels the steps. Two rows of pixels are done together. A line that is no multiple of a tile's rows is cut into
// equal pieces, the last of which is moved back into the image: what it has in common with the one before is not stored
// again.
#include <algorithm>

#include "codegen/contraction/common.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/matrix_unit.h"
#include "codegen/contraction/matrix_unit_products.h"

namespace netc::contraction {

using llvm::Value;

namespace {

struct TiledConvolution {
  Convolution convolution;
  ImageSource source;
  std::vector<AxisPhase> rows, columns;
  PackedColumns packed;
  int64_t bands = 1;  // of an image
};

class TiledPhaseEmitter {
 public:
  TiledPhaseEmitter(KernelEmitter &emitter, const TiledConvolution &plan, MatrixUnit &unit, const AxisPhase &rows,
                    const AxisPhase &columns)
      : emitter_(emitter),
        plan_(plan),
        unit_(unit),
        rows_(rows),
        columns_(columns),
        image_(open_image(emitter, plan.source)),
        blocks_(emitter.scratch_apart()),
        steps_(tile_steps(plan.convolution.input_channels)),
        pieces_((columns.outputs + kTileRows - 1) / kTileRows),
        piece_((columns.outputs + pieces_ - 1) / pieces_) {}

  void run(Value *image, Value *band) {
    image_number_ = image;
    Value *start = scaled(emitter_, image, image_.image_stride);
    start = ir().CreateAdd(start,
                           number(rows_.first_input * image_.row_stride + columns_.first_input * image_.pixel_stride));
    start_ = element_at(emitter_, ir().getInt16Ty(), image_.base, start);
    Value *begin = number(0), *end = number(rows_.outputs);
    if (plan_.bands > 1) {
      int64_t lines = ((rows_.outputs + plan_.bands - 1) / plan_.bands + 1) / 2 * 2;
      begin = scaled(emitter_, band, lines);
      end = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, ir().CreateAdd(begin, number(lines)), end);
      begin = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, begin, end);
    }
    unit_.configure(number(piece_), number(piece_), steps_);
    Value *pairs = ir().CreateAdd(begin, ir().CreateAnd(ir().CreateSub(end, begin), number(-2)));
    for_tile_panels(emitter_, plan_.packed.columns, nullptr, nullptr, [&](Value *column, int64_t columns) {
      for_range(emitter_, begin, pairs, 2, [&](Value *row) { emit_lines(row, 2, column, columns); });
      for_range(emitter_, pairs, end, 1, [&](Value *row) { emit_lines(row, 1, column, columns); });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }

  void emit_lines(Value *row, int64_t lines, Value *column, int64_t columns) {
    int64_t last = columns_.outputs - piece_;
    for_range(emitter_, number(0), number(pieces_), 1, [&](Value *piece) {
      Value *whole = scaled(emitter_, piece, piece_);
      Value *first = ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, whole, number(last));
      emit_block(row, lines, first, ir().CreateSub(whole, first), column, columns);
    });
  }

  // `skipped` pixels were done before.
  void emit_block(Value *row, int64_t lines, Value *pixel, Value *skipped, Value *column, int64_t columns) {
    const ConvolutionAxis &x = plan_.convolution.x;
    int64_t channels = plan_.convolution.input_channels;
    int64_t row_step = rows_.input_per_output * image_.row_stride;
    int64_t pixel_step = columns_.input_per_output * image_.pixel_stride;
    TileBlock block;
    block.a_stride = number(pixel_step * 2);
    Value *a = ir().CreateAdd(scaled(emitter_, row, row_step), scaled(emitter_, pixel, pixel_step));
    for (int64_t line = 0; line < lines; ++line)
      block.a.push_back(element_at(emitter_, ir().getInt16Ty(), start_, ir().CreateAdd(a, number(line * row_step))));
    int64_t tap_bytes = channels * kTileColumns * 2;
    Value *first_block = ir().CreateLShr(column, number(4));
    for (int64_t done = 0; done < columns; done += kTileColumns) {
      Value *place =
          scaled(emitter_, ir().CreateAdd(first_block, number(done / kTileColumns)), plan_.packed.block_bytes());
      place = ir().CreateAdd(place, number((rows_.first_tap * x.kernel + columns_.first_tap) * tap_bytes));
      block.b.push_back(element_at(emitter_, ir().getInt8Ty(), blocks_, place));
    }
    block.loops = {{number(rows_.taps), number(rows_.input_per_tap * image_.row_stride * 2),
                    number(rows_.tap_step * x.kernel * tap_bytes)},
                   {number(columns_.taps), number(columns_.input_per_tap * image_.pixel_stride * 2),
                    number(columns_.tap_step * tap_bytes)},
                   {number(channels / steps_), number(steps_ * 2), number(steps_ * kTileColumns * 2)}};
    Value *sums = unit_.stack_sums();
    unit_.multiply(block, sums, number(MatrixUnit::kSumsStride), false);
    for (int64_t line = 0; line < lines; ++line) {
      Value *of_line = element_at(emitter_, ir().getInt8Ty(), sums, number(line * kTileRows * MatrixUnit::kSumsStride));
      finish_rows(emitter_, of_line, skipped, number(piece_), column, columns, [&](Value *done) {
        return std::vector<IndexValue>{
            index_of(emitter_, image_number_),
            index_of(emitter_, row, rows_.output_step, rows_.first_output + line * rows_.output_step),
            index_of(emitter_, ir().CreateAdd(pixel, done), columns_.output_step, columns_.first_output)};
      });
    }
  }

  KernelEmitter &emitter_;
  const TiledConvolution &plan_;
  MatrixUnit &unit_;
  const AxisPhase &rows_;
  const AxisPhase &columns_;
  Image image_;
  Value *blocks_;
  int64_t steps_, pieces_, piece_;
  Value *image_number_ = nullptr, *start_ = nullptr;
};

}  // namespace

std::optional<ContractionLowering> plan_tiled_convolution(const Convolution &convolution, const ValueLayout &input,
                                                          bool constant_kernel) {
  if (convolution.groups != 1 || tile_steps(convolution.input_channels) == 0) return std::nullopt;
  TiledConvolution plan{convolution};
  plan.rows = axis_phases(convolution.y);
  plan.columns = axis_phases(convolution.x);
  plan.source = plan_image(input, read_range(plan.rows), read_range(plan.columns));
  if (plan.source.padded) return std::nullopt;
  int64_t taps = convolution.y.kernel * convolution.x.kernel;
  plan.packed = {taps * convolution.input_channels, convolution.output_channels};

  double products = 0;  // of an image
  for (const AxisPhase &row : plan.rows)
    for (const AxisPhase &column : plan.columns)
      products += static_cast<double>(row.outputs * row.taps * column.outputs * column.taps);
  products *= static_cast<double>(convolution.input_channels * convolution.output_channels);
  plan.bands = std::clamp<int64_t>(static_cast<int64_t>(products / kTileChunkProducts), 1,
                                   std::max<int64_t>(1, std::min<int64_t>(8, plan.rows.front().outputs / 4)));

  ContractionLowering lowering;
  add_packing_stage(lowering, plan.packed, constant_kernel);
  KernelStage stage;
  stage.suffix = "tile";
  stage.units = {convolution.images.size * plan.bands, convolution.images.batch};
  double of_unit = products / static_cast<double>(plan.bands);
  stage.units_per_chunk = std::max<int64_t>(1, static_cast<int64_t>(kTileChunkProducts / of_unit));
  set_cost(stage, tile_nanoseconds(of_unit));
  stage.emit = [plan, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    MatrixUnit unit(emitter);
    unit.stack_sums();
    for_units(emitter, units, group, [&](Value *number) {
      llvm::IRBuilder<> &ir = emitter.ir();
      Value *bands = ir.getInt64(static_cast<uint64_t>(plan.bands));
      Value *image = plan.bands > 1 ? ir.CreateSDiv(number, bands) : number;
      Value *band = plan.bands > 1 ? ir.CreateSRem(number, bands) : nullptr;
      for (const AxisPhase &rows : plan.rows)
        for (const AxisPhase &columns : plan.columns)
          if (rows.outputs > 0 && columns.outputs > 0)
            TiledPhaseEmitter(emitter, plan, unit, rows, columns).run(image, band);
    });
    unit.release();
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
