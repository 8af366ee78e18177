// Convolution, and the gradient of one with respect to its input: for every phase of the output (geometry.h) rectangles
// of pixels are the rows of tiles, the taps and channels their reduction.
//
// Small kernels: a chunk takes all filters to some images or to a band of one. Large ones: a chunk takes a block of
// filters to some images, and copies it first, so that it lies in one piece in the level-2 cache: read where it lies,
// in short pieces a multiple of some KiB apart, it would compete with itself for few places of the cache.
#include "codegen/contraction/convolution.h"

#include <algorithm>
#include <bit>

#include "codegen/contraction/convolution_phase.h"
#include "codegen/contraction/winograd_tiles.h"

namespace netc::contraction {

using llvm::Value;

namespace {

constexpr int64_t kMostCopiedPixels = 16;  // of a result that a kernel is copied for
constexpr int64_t kMostStackBytes = 768 * 1024;
constexpr int64_t kPixelsOfCopy = 384;  // of the result, at least so many for each copy of a block of filters

int64_t stack_bytes(const ConvolutionPlan &plan, int64_t width) {
  int64_t steps = 0;
  for (const AxisPhase &rows : plan.rows)
    for (const AxisPhase &columns : plan.columns) steps = std::max(steps, rows.taps * columns.taps);
  return steps * plan.convolution.input_channels * width * (plan.convolution.dtype == DType::f64 ? 8 : 4);
}

Value *stack_memory(KernelEmitter &emitter, const ConvolutionPlan &plan) {
  int64_t lanes = lanes_for(emitter.target(), plan.convolution.dtype, plan.convolution.output_channels);
  return stack_floats(emitter, stack_bytes(plan, plan.block_vectors * lanes) / 4);
}

// Of an image whose convolution takes so long: as many as are worth a chunk; two at least, where there is work for
// them, so that threads can share a single image.
int64_t bands_of_image(double nanoseconds, int64_t rows_of_phase) {
  constexpr double kWorthTwo = 3000;
  constexpr int64_t kLeastRows = 8;
  int64_t least = nanoseconds >= kWorthTwo && rows_of_phase >= kLeastRows ? 2 : 1;
  return std::clamp(static_cast<int64_t>(nanoseconds / kChunkNanoseconds), least, std::min<int64_t>(8, rows_of_phase));
}

// Few pixels read a large kernel once: a tile takes all of them, so that no part of the kernel is read again, and the
// kernel lies in the order it is read in.
std::optional<KernelPanels> plan_copy(const ConvolutionPlan &plan, const Target &target) {
  const Convolution &convolution = plan.convolution;
  int64_t pixels = plan.rows.front().outputs * plan.columns.front().outputs;
  if (plan.rows.size() > 1 || plan.columns.size() > 1 || convolution.dtype != DType::f32 || pixels > kMostCopiedPixels)
    return std::nullopt;
  int64_t vectors = kFilterBlockVectors;
  while (vectors > 1 && most_rows(target, vectors) < pixels) vectors /= 2;
  if (most_rows(target, vectors) < pixels) return std::nullopt;
  unsigned lanes = lanes_for(target, convolution.dtype, convolution.output_channels);
  int64_t steps = convolution.y.kernel * convolution.x.kernel * convolution.input_channels;
  return KernelPanels{make_panels(convolution.output_channels, lanes, vectors), steps};
}

// The widest tiles that any phase asks for, as long as a block of as many vectors has room on the stack; 0: none has.
int64_t vectors_on_stack(const ConvolutionPlan &plan, const Target &target) {
  const Convolution &convolution = plan.convolution;
  unsigned lanes = lanes_for(target, convolution.dtype, convolution.output_channels);
  int64_t wanted = 1;
  for (const AxisPhase &rows : plan.rows)
    for (const AxisPhase &columns : plan.columns) {
      int64_t steps_of_phase = rows.taps * columns.taps * convolution.input_channels;
      if (steps_of_phase == 0) continue;
      Tiling tiling =
          choose_tiling(target, rows.outputs, columns.outputs, convolution.output_channels, lanes, steps_of_phase);
      wanted = std::max(wanted, tiling.vectors);
    }
  int64_t vectors = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(wanted)));
  while (vectors > 0 && stack_bytes(plan, vectors * lanes) > kMostStackBytes) vectors /= 2;
  return vectors;
}

// Blocks of filters, each with so many images: its units are images, block after block.
void emit_blocks(KernelEmitter &emitter, const ConvolutionPlan &plan, Dim units, int64_t units_per_chunk) {
  llvm::IRBuilder<> &ir = emitter.ir();
  Value *stack = plan.on_stack ? stack_memory(emitter, plan) : nullptr;
  Value *images = dim_value(emitter, plan.convolution.images);
  auto [begin, end] = units_of_chunk(emitter, units, units_per_chunk);
  Value *first_block = ir.CreateUDiv(begin, images);
  Value *last_block = ir.CreateUDiv(ir.CreateAdd(end, ir.CreateSub(images, ir.getInt64(1))), images);
  emitter.loop(first_block, last_block, 1, [&, begin = begin, end = end](Value *block) {
    Value *first_unit = ir.CreateMul(block, images);
    Value *first = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, begin, first_unit);
    Value *last = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, end, ir.CreateAdd(first_unit, images));
    for (const AxisPhase &rows : plan.rows)
      for (const AxisPhase &columns : plan.columns)
        PhaseEmitter(emitter, plan, rows, columns, stack)
            .run_filters(block, ir.CreateSub(first, first_unit), ir.CreateSub(last, first_unit));
  });
}

// Whole images, or bands of them.
void emit_bands(KernelEmitter &emitter, const ConvolutionPlan &plan, Dim units, int64_t units_per_chunk) {
  for_units(emitter, units, units_per_chunk, [&](Value *unit) {
    llvm::IRBuilder<> &ir = emitter.ir();
    Value *image = unit, *band = nullptr;
    if (plan.blocks > 1) {
      image = ir.CreateSDiv(unit, ir.getInt64(static_cast<uint64_t>(plan.blocks)));
      band = ir.CreateSRem(unit, ir.getInt64(static_cast<uint64_t>(plan.blocks)));
    }
    for (const AxisPhase &rows : plan.rows)
      for (const AxisPhase &columns : plan.columns)
        PhaseEmitter(emitter, plan, rows, columns, nullptr).run(image, band);
  });
}

}  // namespace

ContractionLowering plan_convolution(const Convolution &convolution, const ValueLayout &input, const Target &target,
                                     bool constant_kernel) {
  ContractionLowering lowering;
  ConvolutionPlan plan{convolution};
  plan.rows = axis_phases(convolution.y);
  plan.columns = axis_phases(convolution.x);
  plan.source = plan_image(input, read_range(plan.rows), read_range(plan.columns));
  add_padding_stage(lowering, plan.source);

  double channels = static_cast<double>(convolution.groups * convolution.output_channels * convolution.input_channels);
  double taps = 0;
  for (const AxisPhase &row : plan.rows)
    for (const AxisPhase &column : plan.columns)
      taps += static_cast<double>(row.outputs * row.taps * column.outputs * column.taps);
  double work = channels * taps;  // multiply-adds of one image
  int64_t kernel_elements =
      convolution.y.kernel * convolution.x.kernel * convolution.input_channels * convolution.output_channels;
  bool large = convolution.groups == 1 && kernel_elements >= kLargeElements;
  if (large && constant_kernel) plan.copied = plan_copy(plan, target);
  if (plan.copied) {
    plan.block_vectors = plan.copied->panels.vectors;
    lowering.scratch_apart = plan.copied->bytes();
    lowering.prepared_as = plan.copied->prepared_as();
    lowering.stages.push_back(copy_kernel_stage(*plan.copied));
  } else if (int64_t vectors = large ? vectors_on_stack(plan, target) : 0; vectors > 0) {
    plan.on_stack = true;
    plan.block_vectors = vectors;
  }
  int64_t block_columns = plan.block_vectors * lanes_for(target, convolution.dtype, convolution.output_channels);
  bool in_blocks = large && convolution.output_channels > block_columns;
  if (in_blocks)
    plan.column_blocks = (convolution.output_channels + block_columns - 1) / block_columns;
  else
    plan.blocks = bands_of_image(nanoseconds(work), plan.rows.front().outputs);
  int64_t parts = plan.blocks * plan.column_blocks;

  KernelStage stage;
  stage.suffix = plan.source.padded ? "tile" : "";
  stage.units = {convolution.images.size * parts, convolution.images.batch};
  stage.units_per_chunk = even_units(stage.units, units_per_chunk(work / static_cast<double>(parts)));
  if (in_blocks && plan.on_stack) {
    int64_t pixels = plan.rows.front().outputs * plan.columns.front().outputs;
    stage.units_per_chunk = std::max(stage.units_per_chunk, (kPixelsOfCopy + pixels - 1) / pixels);
  }
  set_cost(stage, nanoseconds(work) / static_cast<double>(parts));
  cut_single_sample(stage);
  stage.emit = [plan, in_blocks, units = stage.units, group = stage.units_per_chunk](KernelEmitter &emitter) {
    in_blocks ? emit_blocks(emitter, plan, units, group) : emit_bands(emitter, plan, units, group);
  };
  lowering.stages.push_back(std::move(stage));
  return lowering;
}

}  // namespace netc::contraction
