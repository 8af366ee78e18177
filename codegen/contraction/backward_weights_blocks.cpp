// The gradient of a large kernel. A chunk has the rows of a line of the grid and some panels of filters, whose sums
// stay in the level-2 cache. It goes over the pixels of all images in blocks: bands of rows, or some small images. For
// each panel the first tile copies the block's gradients in passing, the others read the copy, which stays in the
// first-level cache; meanwhile the next block is prefetched.
#include <algorithm>

#include "codegen/contraction/backward_weights.h"
#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kBlockPixels = 224;
constexpr int64_t kPanelsOfChunk = 2;
constexpr int64_t kTilesAhead = 2;
constexpr int64_t kMostSumsOnStack = 1024 * 1024;

struct WeightsBlocksPlan {
  BackwardWeightsPlan base;
  int64_t bands = 1, images = 1;  // of a block: bands.. of an image, or so many whole images
  int64_t chunk_panels = 1;
  bool on_stack = true;

  int64_t panel_count() const { return base.panels.whole + (base.panels.rest_vectors > 0 ? 1 : 0); }
  int64_t panel_chunks() const { return (panel_count() + chunk_panels - 1) / chunk_panels; }
  int64_t units() const { return base.group_count * panel_chunks() * base.grid.outer * base.grid.lines; }
  int64_t block_pixels() const { return images * base.band * base.convolution.x.output; }
  int64_t panel_sums() const { return base.grid.run * base.panels.width(); }
  int64_t sums() const { return chunk_panels * panel_sums(); }
};

WeightsBlocksPlan cut_into_blocks(const BackwardWeightsPlan &base, const Target &target) {
  WeightsBlocksPlan plan{base};
  const Convolution &convolution = base.convolution;
  int64_t height = convolution.y.output, width = convolution.x.output;
  plan.base.tiling = choose_tiling(target, 1, base.grid.run, base.group_columns, base.panels.lanes, kBlockPixels);
  plan.base.panels = make_panels(base.group_columns, base.panels.lanes, plan.base.tiling.vectors);
  plan.bands = std::min(height, (height * width + kBlockPixels - 1) / kBlockPixels);
  plan.base.band = (height + plan.bands - 1) / plan.bands;
  plan.bands = (height + plan.base.band - 1) / plan.base.band;
  if (plan.bands == 1) plan.images = std::max<int64_t>(1, kBlockPixels / (height * width));
  plan.chunk_panels = std::min(kPanelsOfChunk, plan.panel_count());
  plan.on_stack = plan.sums() * base.element_bytes <= kMostSumsOnStack;
  return plan;
}

class WeightsBlocksEmitter {
 public:
  WeightsBlocksEmitter(KernelEmitter &emitter, const WeightsBlocksPlan &plan)
      : emitter_(emitter),
        plan_(plan),
        base_(plan.base),
        convolution_(plan.base.convolution),
        element_(element_type(emitter, convolution_.dtype)),
        image_(open_image(emitter, plan.base.source)),
        tiles_(balanced(base_.grid.run, base_.tiling.tile_length)) {}

  void run(Value *unit) {
    Value *rest = unit;
    auto split = [&](int64_t size) {
      Value *digit = size == 1 ? number(0) : ir().CreateURem(rest, number(size));
      if (size != 1) rest = ir().CreateUDiv(rest, number(size));
      return digit;
    };
    Value *line = split(base_.grid.lines), *outer = split(base_.grid.outer);
    first_column_ = scaled(emitter_, split(plan_.panel_chunks()), plan_.chunk_panels * base_.panels.width());
    Value *end = smin(ir().CreateAdd(first_column_, number(plan_.chunk_panels * base_.panels.width())),
                      number(base_.group_columns));
    group_ = rest;
    first_row_ =
        ir().CreateAdd(scaled(emitter_, outer, base_.grid.outer_rows), scaled(emitter_, line, base_.grid.line_rows));
    line_start_ = at(image_.base, number(-convolution_.y.padding_low * image_.row_stride -
                                         convolution_.x.padding_low * image_.pixel_stride));
    line_start_ = at(line_start_, scaled(emitter_, outer, outer_step(base_, image_)));
    line_start_ = at(line_start_, scaled(emitter_, line, line_step(base_, image_)));
    line_start_ = at(line_start_, scaled(emitter_, group_, convolution_.input_channels));
    copy_ = stack(plan_.block_pixels() * base_.panels.width());
    sums_ = plan_.on_stack ? stack(plan_.sums()) : at(scratch(), scaled(emitter_, unit, plan_.sums()));
    ir().CreateMemSet(sums_, ir().getInt8(0), static_cast<uint64_t>(plan_.sums() * base_.element_bytes),
                      llvm::MaybeAlign(64));

    Value *images = dim_value(emitter_, convolution_.images);
    for_range(emitter_, number(0), images, plan_.images, [&](Value *image) {
      images_ = plan_.images == 1 ? number(1) : smin(ir().CreateSub(images, image), number(plan_.images));
      for_range(emitter_, number(0), number(convolution_.y.output), base_.band, [&](Value *y) {
        rows_ = convolution_.y.output % base_.band == 0
                    ? number(base_.band)
                    : smin(ir().CreateSub(number(convolution_.y.output), y), number(base_.band));
        for_panels(emitter_, base_.panels, first_column_, end, [&](const Panel &panel) {
          add_tile(panel, image, y, number(0), tiles_.front().size, true);
          for (const Pieces &pieces : tiles_) {
            int64_t begin = pieces.first + (&pieces == &tiles_.front() ? pieces.size : 0);
            for_range(emitter_, number(begin), number(pieces.first + pieces.size * pieces.count), pieces.size,
                      [&](Value *row) { add_tile(panel, image, y, row, pieces.size, false); });
          }
        });
      });
    });
    for_panels(emitter_, base_.panels, first_column_, end, [&](const Panel &panel) { finish(panel); });
  }

 private:
  llvm::IRBuilder<> &ir() { return emitter_.ir(); }
  Value *number(int64_t i) { return ir().getInt64(static_cast<uint64_t>(i)); }
  Value *smin(Value *a, Value *b) { return ir().CreateBinaryIntrinsic(llvm::Intrinsic::smin, a, b); }
  Value *at(Value *base, Value *offset) { return element_at(emitter_, element_, base, offset); }
  int64_t line_elements() const { return 64 / base_.element_bytes; }
  int64_t tile_count() const { return tiles_.front().count + (tiles_.size() > 1 ? tiles_.back().count : 0); }

  Value *stack(int64_t elements) { return on_stack(emitter_, element_, elements); }
  // The padded copies come first.
  Value *scratch() {
    if (!base_.source.padded) return emitter_.scratch();
    return at(emitter_.scratch(), scaled(emitter_, dim_value(emitter_, convolution_.images), image_.image_stride));
  }
  Value *sum_at(const Panel &panel, Value *row, size_t r, unsigned v) {
    Value *place = scaled(emitter_, ir().CreateSub(panel.first, first_column_), base_.grid.run);
    place = ir().CreateAdd(place, scaled(emitter_, row, base_.panels.width()));
    place = ir().CreateAdd(place, number(static_cast<int64_t>(r) * base_.panels.width() + v * int64_t{panels().lanes}));
    return at(sums_, place);
  }
  const Panels &panels() const { return base_.panels; }

  // Adds the products of a block to the sums of some rows, from number `row` of the line on.
  void add_tile(const Panel &panel, Value *image, Value *y, Value *row, int64_t rows, bool copies) {
    const Address &dy = emitter_.operand(1);
    int64_t width = int64_t{panel.vectors} * panels().lanes, columns = convolution_.x.output;
    int64_t row_step = convolution_.y.stride * image_.row_stride;
    Tile tile{element_, panels().lanes, panel.vectors};
    for (int64_t r = 0; r < rows; ++r) tile.rows.push_back(number(r));
    Value *a = at(line_start_, scaled(emitter_, image, image_.image_stride));
    a = at(at(a, scaled(emitter_, y, row_step)), row);
    Value *b = at(dy.base, scaled(emitter_, image, dy.strides[0]));
    b = at(at(b, scaled(emitter_, y, dy.strides[1])), panel.first);
    b = at(b, scaled(emitter_, group_, base_.group_columns));
    look_ahead(tile, panel, row, a, b);
    int64_t copied = base_.band * columns * width;
    tile.reductions = {
        {images_, number(image_.image_stride), number(copies ? dy.strides[0] : copied)},
        {rows_, number(row_step), number(copies ? dy.strides[1] : columns * width)},
        {number(columns), number(convolution_.x.stride * image_.pixel_stride), number(copies ? dy.strides[2] : width)}};
    if (copies) {
      tile.copy_b = copy_;
      tile.tail = panel.tail;
    }
    llvm::Type *type = accumulator_type(tile);
    llvm::Align align(static_cast<uint64_t>(base_.element_bytes));
    Accumulators sums(static_cast<size_t>(rows));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < panel.vectors; ++v)
        sums[r].push_back(ir().CreateAlignedLoad(type, sum_at(panel, row, r, v), align));
    sums = emit_tile(ir(), emitter_.target(), tile, a, copies ? b : copy_, std::move(sums));
    for (size_t r = 0; r < sums.size(); ++r)
      for (unsigned v = 0; v < panel.vectors; ++v) ir().CreateAlignedStore(sums[r][v], sum_at(panel, row, r, v), align);
  }

  // Of the next block, each tile prefetches its share: rows of the image in the order of memory, of the gradients the
  // panel's part of some pixels. Pixels of small images are far apart: of those at hand it asks for what the tiles
  // behind it read.
  void look_ahead(Tile &tile, const Panel &panel, Value *row, Value *a, Value *b) {
    const Address &dy = emitter_.operand(1);
    constexpr int64_t kStepsOfTurn = 8;
    int64_t line = line_elements(), turns = std::max<int64_t>(1, plan_.block_pixels() / kStepsOfTurn);
    Value *tile_number = ir().CreateUDiv(row, number(tiles_.back().size));
    if (plan_.bands > 1) {
      int64_t row_step = convolution_.y.stride * image_.row_stride;
      int64_t tiles_of_row = std::max<int64_t>(1, tile_count() / base_.band);
      int64_t share = convolution_.x.output * convolution_.x.stride * image_.pixel_stride / tiles_of_row;
      int64_t lines = (share + turns * line - 1) / (turns * line);
      Value *place = ir().CreateAdd(scaled(emitter_, ir().CreateUDiv(tile_number, number(tiles_of_row)), row_step),
                                    scaled(emitter_, ir().CreateURem(tile_number, number(tiles_of_row)), share));
      place = ir().CreateSub(ir().CreateAdd(place, number(base_.band * row_step)), row);
      Ahead from_a{at(a, place), false, {}, number(lines * line)};
      for (int64_t i = 0; i < lines; ++i) from_a.offsets.push_back(number(i * line));
      tile.ahead.push_back(std::move(from_a));
    } else {
      tile.prefetch_a = number(kTilesAhead * tiles_.front().size);
    }
    int64_t pixels = (plan_.block_pixels() + tile_count() - 1) / tile_count();
    int64_t pixels_of_turn = (pixels + turns - 1) / turns;
    int64_t block = plan_.bands > 1 ? base_.band * dy.strides[1] : plan_.images * dy.strides[0];
    Value *place = ir().CreateAdd(scaled(emitter_, tile_number, pixels * dy.strides[2]), number(block));
    Ahead from_b{at(b, place), false, {}, number(pixels_of_turn * dy.strides[2])};
    for (int64_t i = 0; i < pixels_of_turn; ++i)
      for (int64_t k = 0; k < int64_t{panel.vectors} * panels().lanes; k += line)
        from_b.offsets.push_back(number(i * dy.strides[2] + k));
    tile.ahead.push_back(std::move(from_b));
  }

  void finish(const Panel &panel) {
    Value *column = ir().CreateAdd(panel.first, scaled(emitter_, group_, base_.group_columns));
    Tile tile{element_, panels().lanes, panel.vectors, panel.tail};
    for_range(emitter_, number(0), number(base_.grid.run), 1, [&](Value *row) {
      Accumulators sums(1);
      for (unsigned v = 0; v < panel.vectors; ++v)
        sums[0].push_back(ir().CreateAlignedLoad(accumulator_type(tile), sum_at(panel, row, 0, v),
                                                 llvm::Align(static_cast<uint64_t>(base_.element_bytes))));
      std::vector<IndexValue> index = kernel_index(emitter_, convolution_, ir().CreateAdd(first_row_, row));
      finish_tile(emitter_, tile, sums, column, [&](size_t) { return index; });
    });
  }

  KernelEmitter &emitter_;
  const WeightsBlocksPlan &plan_;
  const BackwardWeightsPlan &base_;
  const Convolution &convolution_;
  llvm::Type *element_;
  Image image_;
  std::vector<Pieces> tiles_;                           // of the rows of a line
  Value *group_ = nullptr, *first_column_ = nullptr;    // of the chunk
  Value *first_row_ = nullptr, *line_start_ = nullptr;  // of its line: in the result, in image 0
  Value *copy_ = nullptr, *sums_ = nullptr;             // [pixel][filter]; [panel][row][filter]
  Value *images_ = nullptr, *rows_ = nullptr;           // of the block
};

}  // namespace

void add_backward_weights_blocks(ContractionLowering &lowering, const BackwardWeightsPlan &base, const Target &target,
                                 double work) {
  WeightsBlocksPlan plan = cut_into_blocks(base, target);
  if (!plan.on_stack) lowering.scratch_fixed += (plan.units() * plan.sums() * base.element_bytes + 63) / 64 * 64;
  KernelStage stage;
  stage.suffix = base.source.padded ? "tile" : "";
  stage.units = {plan.units(), false};
  const Dim images = base.convolution.images;
  (images.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) =
      nanoseconds(work) * static_cast<double>(images.size);
  stage.emit = [plan](KernelEmitter &emitter) { WeightsBlocksEmitter(emitter, plan).run(emitter.chunk()); };
  lowering.stages.push_back(std::move(stage));
}

}  // namespace netc::contraction
