// The gradient of a convolution's kernel on the matrix unit: the steps are pixels.
//
// The image is turned to [channel][pixel], its rows one after the other, so that a tap is an offset; dy is packed in
// pairs of pixels that lie as far apart as those of the image they meet, with zeros between. What the rows of the image
// have in common with no row of dy is thereby multiplied with zero. Both are made on the stack for a few images at a
// time, or for a band of one that is large.
//
// A chunk of images adds up its own partial result in scratch memory; a second stage adds these in order.
#include <algorithm>

#include "codegen/contraction/common.h"
#include "codegen/contraction/image.h"
#include "codegen/contraction/matrix_unit.h"
#include "codegen/contraction/matrix_unit_products.h"
#include "codegen/contraction/transpose.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kTurnedBytes = 384 * 1024;      // of a group of images, about: they stay in the level-2 cache
constexpr int64_t kMostTurnedBytes = 768 * 1024;  // on the stack
constexpr int64_t kPixelsOfPartial = 8000;        // at least, so that adding partial results up costs little
constexpr int64_t kMostImagesOfPartial = 16;

int64_t rounded_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

struct TiledWeights {
  Convolution convolution;
  ImageSource source;
  int64_t band = 1;      // rows of dy in a band
  int64_t pitch = 2;     // pixels from row to row of the turned image: even
  int64_t steps = 32;    // pixels of a band of dy, those of the zeros between included, in whole tiles
  int64_t plane = 32;    // pixels of a channel of the turned image
  int64_t together = 1;  // images, or bands, that are turned before they are multiplied
  int64_t group = 1;     // images of a chunk

  int64_t bands() const { return convolution.y.output / band; }
  int64_t channels() const { return rounded_up(convolution.input_channels, kTileRows); }
  int64_t blocks() const { return (convolution.output_channels + kTileColumns - 1) / kTileColumns; }
  int64_t columns() const { return blocks() * kTileColumns; }
  int64_t taps() const { return convolution.y.kernel * convolution.x.kernel; }
  int64_t image_rows() const {
    return (band - 1) * convolution.y.stride + (convolution.y.kernel - 1) * convolution.y.dilation + 1;
  }
  int64_t image_bytes() const { return channels() * plane * 2; }
  int64_t block_bytes() const { return steps * kTileColumns * 2; }
  int64_t gradient_bytes() const { return blocks() * block_bytes(); }
  int64_t partial_bytes() const { return taps() * channels() * columns() * 4; }

  // Chooses everything that follows from the number of rows in a band.
  void set_band(int64_t rows) {
    const ConvolutionAxis &y = convolution.y, &x = convolution.x;
    band = rows;
    pitch = rounded_up(source.columns.high - source.columns.low + 1, 2);
    steps = rounded_up((band - 1) * y.stride * pitch + (x.output - 1) * x.stride + 1, kTileSteps);
    int64_t last_tap = (y.kernel - 1) * y.dilation * pitch + (x.kernel - 1) * x.dilation;
    plane = rounded_up(std::max(last_tap + steps, image_rows() * pitch + kTileSteps), kTileSteps);
    if (plane % 512 == 0) plane += kTileSteps;  // or the lines of all channels meet in one place of the cache
  }
};

class TiledKernelGradientEmitter {
 public:
  TiledKernelGradientEmitter(KernelEmitter &emitter, const TiledWeights &plan)
      : emitter_(emitter),
        plan_(plan),
        convolution_(plan.convolution),
        image_(open_image(emitter, plan.source)),
        images_of_batch_(dim_value(emitter, convolution_.images)),
        unit_(emitter),
        scratch_(emitter.scratch()),
        apart_(emitter.scratch_apart()) {}

  // The images of this chunk.
  void run() {
    turned_ = unit_.stack(plan_.together * plan_.image_bytes());
    packed_ = unit_.stack(plan_.together * plan_.gradient_bytes());
    // What no pixel is stored to stays zero.
    clear(turned_, plan_.together * plan_.image_bytes());
    clear(packed_, plan_.together * plan_.gradient_bytes());
    partial_ = partial(emitter_.chunk());
    clear(partial_, plan_.partial_bytes());
    unit_.configure(number(kTileRows), number(kTileRows), kTileSteps);
    Value *first = scaled(emitter_, emitter_.chunk(), plan_.group);
    Value *last = smin(ir().CreateAdd(first, number(plan_.group)), images_of_batch_);
    Value *begin = scaled(emitter_, first, plan_.bands()), *end = scaled(emitter_, last, plan_.bands());
    emitter_.loop(begin, end, plan_.together, [&](Value *unit) {
      Value *count = smin(number(plan_.together), ir().CreateSub(end, unit));
      emitter_.loop(number(0), count, 1, [&](Value *i) {
        Value *one = ir().CreateAdd(unit, i);
        Value *image = plan_.bands() == 1 ? one : ir().CreateSDiv(one, number(plan_.bands()));
        Value *band = plan_.bands() == 1 ? number(0) : ir().CreateSRem(one, number(plan_.bands()));
        turn(image, band, bytes(turned_, scaled(emitter_, i, plan_.image_bytes())));
        pack(image, band, bytes(packed_, scaled(emitter_, i, plan_.gradient_bytes())));
      });
      multiply(count);
    });
    unit_.release();
  }

  // Row (tap, channel) of the result: the partial results, first to last.
  void combine(Value *row) {
    Value *channels = number(convolution_.input_channels), *width = number(convolution_.x.kernel);
    Value *tap = ir().CreateUDiv(row, channels), *channel = ir().CreateURem(row, channels);
    std::vector<IndexValue> index{index_of(emitter_, ir().CreateUDiv(tap, width)),
                                  index_of(emitter_, ir().CreateURem(tap, width)), index_of(emitter_, channel)};
    Value *place = scaled(emitter_, ir().CreateAdd(scaled(emitter_, tap, plan_.channels()), channel), plan_.columns());
    Value *whole = ir().CreateUDiv(images_of_batch_, number(plan_.group));
    Value *rest = ir().CreateICmpNE(ir().CreateURem(images_of_batch_, number(plan_.group)), number(0));
    Panels panels = make_panels(convolution_.output_channels, kTileColumns, 1);
    for_panels(emitter_, panels, nullptr, nullptr, [&](const Panel &panel) {
      Tile tile{ir().getFloatTy(), kTileColumns, 1, panel.tail};
      tile.rows = {number(0)};
      tile.product = Product::none;
      Value *from = ir().CreateAdd(place, panel.first);
      auto sum = [&](Value *base, Value *count, Accumulators sums) {
        tile.reductions = {{count, number(0), number(plan_.partial_bytes() / 4)}};
        Value *start = element_at(emitter_, ir().getFloatTy(), base, from);
        return emit_tile(ir(), emitter_.target(), tile, start, start, std::move(sums));
      };
      Accumulators sums = sum(scratch_, whole, {});
      sums = sum(apart_, ir().CreateZExt(rest, ir().getInt64Ty()), std::move(sums));
      finish_tile(emitter_, tile, sums, panel.first, [&](size_t) { return index; });
    });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }
  Value *bytes(Value *base, Value *offset) { return element_at(emitter_, ir().getInt8Ty(), base, offset); }
  void clear(Value *memory, int64_t size) {
    ir().CreateMemSet(memory, ir().getInt8(0), static_cast<uint64_t>(size), llvm::MaybeAlign(64));
  }

  // Those of whole groups of images follow one another; the last one, of fewer images, lies apart.
  Value *partial(Value *chunk) {
    Value *whole = ir().CreateUDiv(images_of_batch_, number(plan_.group));
    Value *place = bytes(scratch_, scaled(emitter_, chunk, plan_.partial_bytes()));
    return ir().CreateSelect(ir().CreateICmpSLT(chunk, whole), place, apart_);
  }

  void turn(Value *image, Value *band, Value *to) {
    Value *start = scaled(emitter_, image, image_.image_stride);
    Value *first = scaled(emitter_, band, plan_.band * convolution_.y.stride);
    first = ir().CreateAdd(first, number(-convolution_.y.padding_low));
    start = ir().CreateAdd(start, scaled(emitter_, first, image_.row_stride));
    start = ir().CreateAdd(start, number(plan_.source.columns.low * image_.pixel_stride));
    Value *from = element_at(emitter_, ir().getInt16Ty(), image_.base, start);
    int64_t pixels = plan_.source.columns.high - plan_.source.columns.low + 1;
    emitter_.loop(number(0), number(plan_.image_rows()), 1, [&](Value *row) {
      Value *line = element_at(emitter_, ir().getInt16Ty(), from, scaled(emitter_, row, image_.row_stride));
      emit_transpose(emitter_, {DType::bf16, pixels, plan_.plane, number(0), number(pixels), line,
                                element_at(emitter_, ir().getInt16Ty(), to, scaled(emitter_, row, plan_.pitch)),
                                number(image_.pixel_stride), number(convolution_.input_channels)});
    });
  }

  void pack(Value *image, Value *band, Value *to) {
    const Address &dy = emitter_.operand(1);
    Value *from = element_at(emitter_, ir().getInt16Ty(), dy.base, scaled(emitter_, image, dy.strides[0]));
    from = element_at(emitter_, ir().getInt16Ty(), from, scaled(emitter_, band, plan_.band * dy.strides[1]));
    bool spread = convolution_.x.stride == 2;  // a zero behind each pixel
    int64_t width = convolution_.x.output, pairs = spread ? width : width / 2;
    emitter_.loop(number(0), number(plan_.blocks()), 1, [&](Value *block) {
      Value *inside = columns_inside(emitter_, convolution_.output_channels, block);
      Value *of_block = bytes(to, scaled(emitter_, block, plan_.block_bytes()));
      emitter_.loop(number(0), number(plan_.band), 1, [&](Value *row) {
        auto pixel = [&](Value *x) {
          Value *place = ir().CreateAdd(scaled(emitter_, row, dy.strides[1]), scaled(emitter_, x, dy.strides[2]));
          place = ir().CreateAdd(place, scaled(emitter_, block, kTileColumns));
          return element_at(emitter_, ir().getInt16Ty(), from, place);
        };
        auto pair_at = [&](Value *pair) {
          Value *place = ir().CreateAdd(scaled(emitter_, row, convolution_.y.stride * plan_.pitch / 2), pair);
          return bytes(of_block, scaled(emitter_, place, 4 * kTileColumns));
        };
        emitter_.loop(number(0), number(pairs), 1, [&](Value *pair) {
          Value *x = spread ? pair : scaled(emitter_, pair, 2);
          Value *second = spread ? nullptr : pixel(ir().CreateAdd(x, number(1)));
          emit_pairs(emitter_, pixel(x), second, inside, pair_at(pair));
        });
        if (!spread && width % 2 == 1)
          emit_pairs(emitter_, pixel(number(width - 1)), nullptr, inside, pair_at(number(pairs)));
      });
    });
  }

  // All that was turned, into the partial result.
  void multiply(Value *count) {
    emitter_.loop(number(0), number(convolution_.y.kernel), 1, [&](Value *tap_y) {
      emitter_.loop(number(0), number(convolution_.x.kernel), 1, [&](Value *tap_x) {
        Value *offset = ir().CreateAdd(scaled(emitter_, tap_y, convolution_.y.dilation * plan_.pitch),
                                       scaled(emitter_, tap_x, convolution_.x.dilation));
        Value *tap = ir().CreateAdd(scaled(emitter_, tap_y, convolution_.x.kernel), tap_x);
        int64_t whole = plan_.channels() / (2 * kTileRows) * 2 * kTileRows;
        for_range(emitter_, number(0), number(whole), 2 * kTileRows,
                  [&](Value *channel) { multiply_rows(count, tap, offset, channel, 2); });
        if (plan_.channels() > whole) multiply_rows(count, tap, offset, number(whole), 1);
      });
    });
  }

  void multiply_rows(Value *count, Value *tap, Value *offset, Value *channel, int64_t tiles) {
    Value *row = ir().CreateAdd(scaled(emitter_, tap, plan_.channels()), channel);
    Value *sums = bytes(partial_, scaled(emitter_, row, plan_.columns() * 4));
    Value *a = ir().CreateAdd(scaled(emitter_, channel, plan_.plane), offset);
    for_tile_panels(emitter_, plan_.columns(), nullptr, nullptr, [&](Value *column, int64_t columns) {
      TileBlock block;
      block.a_stride = number(plan_.plane * 2);
      for (int64_t tile = 0; tile < tiles; ++tile)
        block.a.push_back(element_at(emitter_, ir().getInt16Ty(), turned_,
                                     ir().CreateAdd(a, number(tile * kTileRows * plan_.plane))));
      Value *first = ir().CreateLShr(column, number(4));
      for (int64_t done = 0; done < columns; done += kTileColumns)
        block.b.push_back(
            bytes(packed_, scaled(emitter_, ir().CreateAdd(first, number(done / kTileColumns)), plan_.block_bytes())));
      block.loops = {{count, number(plan_.image_bytes()), number(plan_.gradient_bytes())},
                     {number(plan_.steps / kTileSteps), number(kTileSteps * 2), number(kTileBytes)}};
      unit_.multiply(block, bytes(sums, scaled(emitter_, column, 4)), number(plan_.columns() * 4), true);
    });
  }

  KernelEmitter &emitter_;
  const TiledWeights &plan_;
  const Convolution &convolution_;
  Image image_;
  Value *images_of_batch_;
  MatrixUnit unit_;
  Value *scratch_, *apart_;
  Value *turned_ = nullptr, *packed_ = nullptr, *partial_ = nullptr;
};

bool suits(const Convolution &convolution) {
  // One channel fills a tile of rows no more than sixteen do, and is still faster than to widen dy.
  bool many = convolution.input_channels >= kTileRows / 2 || convolution.output_channels >= kTileColumns;
  return convolution.groups == 1 && convolution.x.stride <= 2 && convolution.y.stride <= 2 && many &&
         convolution.y.input_dilation == 1;
}

}  // namespace

std::optional<ContractionLowering> plan_tiled_backward_weights(const Convolution &convolution,
                                                               const ValueLayout &input) {
  if (!suits(convolution)) return std::nullopt;
  TiledWeights plan{convolution};
  plan.source = plan_image(input, read_range(axis_phases(convolution.y)), read_range(axis_phases(convolution.x)));
  if (plan.source.padded) return std::nullopt;
  auto turned = [&] { return plan.image_bytes() + plan.gradient_bytes(); };
  int64_t rows = convolution.y.output;
  for (plan.set_band(rows); turned() > kTurnedBytes && rows > 1; plan.set_band(rows)) {
    --rows;
    while (convolution.y.output % rows != 0) --rows;
  }
  if (turned() > kMostTurnedBytes) return std::nullopt;
  plan.together = std::clamp<int64_t>(kTurnedBytes / turned(), 1, 8);
  int64_t pixels = convolution.y.output * convolution.x.output;
  plan.group = std::clamp<int64_t>(kPixelsOfPartial / pixels, 1, kMostImagesOfPartial);

  const Dim images = convolution.images;
  double products = static_cast<double>(plan.taps() * convolution.input_channels * convolution.output_channels) *
                    static_cast<double>(pixels);
  ContractionLowering lowering;
  int64_t of_images = rounded_up((images.size * plan.partial_bytes() + plan.group - 1) / plan.group, 64);
  (images.batch ? lowering.scratch_batch : lowering.scratch_fixed) += of_images;
  lowering.scratch_apart = rounded_up(plan.partial_bytes(), 64);
  KernelStage tiles;
  tiles.suffix = "tile";
  tiles.units = images;
  tiles.units_per_chunk = plan.group;
  set_cost(tiles, tile_nanoseconds(products));
  tiles.emit = [plan](KernelEmitter &emitter) { TiledKernelGradientEmitter(emitter, plan).run(); };
  lowering.stages.push_back(std::move(tiles));

  KernelStage combination;
  combination.suffix = "combine";
  combination.units = {plan.taps() * convolution.input_channels, false};
  double elements = static_cast<double>(plan.taps() * convolution.input_channels * convolution.output_channels);
  double read = elements * 4 * static_cast<double>(images.size) / static_cast<double>(plan.group) / 20;
  (images.batch ? combination.batch_nanoseconds : combination.fixed_nanoseconds) = read;
  combination.fixed_nanoseconds += elements / 4;
  combination.units_per_chunk = std::max<int64_t>(1, 8192 / convolution.output_channels);
  combination.emit = [plan, units = combination.units, rows = combination.units_per_chunk](KernelEmitter &emitter) {
    TiledKernelGradientEmitter gradient(emitter, plan);
    for_units(emitter, units, rows, [&](Value *row) { gradient.combine(row); });
  };
  lowering.stages.push_back(std::move(combination));
  return lowering;
}

}  // namespace netc::contraction
