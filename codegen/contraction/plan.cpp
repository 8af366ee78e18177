// From the op to the lowering that suits it.
#include <algorithm>
#include <functional>

#include "codegen/contraction/convolution.h"
#include "codegen/contraction/few_filters.h"
#include "codegen/contraction/grouped.h"
#include "codegen/contraction/matmul.h"
#include "codegen/contraction/matmul_rows.h"
#include "codegen/contraction/matrix_unit_products.h"
#include "codegen/contraction/paired.h"
#include "codegen/contraction/widened.h"
#include "codegen/contraction/winograd.h"
#include "codegen/kernel_emitter.h"
#include "ir/op.h"

namespace netc {

namespace contraction {

namespace {

using Integers = std::vector<int64_t>;

// `image` is the side that is slid over, `result` the side with one pixel for each place of the window.
Convolution read_geometry(const Op &op, const Type &image, const Type &result, int64_t kernel_height,
                          int64_t kernel_width) {
  const auto &strides = op.get<Integers>("strides");
  const auto &padding = op.get<Integers>("padding");
  const auto &dilation = op.get<Integers>("dilation");
  Convolution convolution;
  convolution.dtype = image.dtype;
  convolution.images = image.shape[0];
  convolution.groups = op.get<int64_t>("groups");
  convolution.y = {image.shape[1].size, result.shape[1].size, kernel_height, strides[0], padding[0], dilation[0], 1};
  convolution.x = {image.shape[2].size, result.shape[2].size, kernel_width, strides[1], padding[2], dilation[1], 1};
  convolution.input_channels = image.shape[3].size / convolution.groups;
  convolution.output_channels = result.shape[3].size / convolution.groups;
  return convolution;
}

}  // namespace

bool is_pointwise(const Convolution &convolution) {
  auto alone = [](const ConvolutionAxis &axis) {
    return axis.kernel == 1 && axis.stride == 1 && axis.input_dilation == 1 && axis.padding_low == 0 &&
           axis.input == axis.output;
  };
  return convolution.groups == 1 && alone(convolution.y) && alone(convolution.x);
}

Convolution read_convolution(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result) {
  const Shape &kernel = operands[1].type.shape;
  Convolution convolution = read_geometry(op, operands[0].type, result.type, kernel[0].size, kernel[1].size);
  const auto &input_dilation = op.get<Integers>("input_dilation");
  convolution.y.input_dilation = input_dilation[0];
  convolution.x.input_dilation = input_dilation[1];
  return convolution;
}

Convolution read_backward_weights(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result) {
  const Shape &kernel = result.type.shape;
  return read_geometry(op, operands[0].type, operands[1].type, kernel[0].size, kernel[1].size);
}

// `special` for the batches it is good for, `general(least_batch)` for those below.
ContractionLowering by_batch(LoweringForBatches special,
                             const std::function<ContractionLowering(int64_t below)> &general) {
  if (special.least_batch == 1) return std::move(special.lowering);
  ContractionLowering lowering = general(special.least_batch);
  std::erase_if(lowering.stages, [&](const KernelStage &stage) { return stage.least_batch >= special.least_batch; });
  // What both prepare for good lies side by side; what is made anew in each call has the same place.
  if (lowering.prepared_as.empty() || special.lowering.prepared_as.empty()) {
    lowering.prepared_as += special.lowering.prepared_as;
    lowering.scratch_apart = std::max(lowering.scratch_apart, special.lowering.scratch_apart);
  } else if (lowering.prepared_as == special.lowering.prepared_as) {
    std::erase_if(special.lowering.stages, &KernelStage::prepares);
  } else {
    lowering.prepared_as += " and " + special.lowering.prepared_as;
    for (KernelStage &stage : special.lowering.stages) stage.apart_at += lowering.scratch_apart;
    lowering.scratch_apart += special.lowering.scratch_apart;
  }
  for (KernelStage &stage : lowering.stages) stage.most_batch = std::min(stage.most_batch, special.least_batch - 1);
  for (KernelStage &stage : special.lowering.stages) {
    stage.least_batch = special.least_batch;
    lowering.stages.push_back(std::move(stage));
  }
  lowering.scratch_fixed = std::max(lowering.scratch_fixed, special.lowering.scratch_fixed);
  lowering.scratch_batch = std::max(lowering.scratch_batch, special.lowering.scratch_batch);
  return lowering;
}

std::optional<ContractionLowering> plan_tiled(const Op &op, std::span<const ValueLayout> operands,
                                              const ValueLayout &result, bool constant_kernel) {
  if (op.def->name == "matmul") {
    Matmul matmul = read_matmul(op, operands);
    return matmul.transpose_a ? plan_tiled_matmul_weights(matmul) : plan_tiled_matmul(matmul, constant_kernel);
  }
  if (op.def->name == "conv2d")
    return plan_tiled_convolution(read_convolution(op, operands, result), operands[0], constant_kernel);
  return plan_tiled_backward_weights(read_backward_weights(op, operands, result), operands[0]);
}

}  // namespace contraction

ContractionLowering plan_contraction(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result,
                                     const Target &target, bool constant_kernel) {
  using namespace contraction;
  if (operands[0].type.dtype == DType::bf16) {
    if (target.bf16_tiles)
      if (auto tiled = plan_tiled(op, operands, result, constant_kernel)) return *tiled;
    if (target.bf16_pairs)
      if (auto paired = plan_paired(op, operands, result, target, constant_kernel)) return *paired;
    return plan_widened(op, operands, result, target, constant_kernel);
  }
  if (op.def->name == "matmul") return plan_matmul(read_matmul(op, operands), target, constant_kernel);
  if (op.def->name == "conv2d") {
    Convolution convolution = read_convolution(op, operands, result);
    if (has_walk(convolution, target)) return plan_grouped(convolution, operands[0], target, constant_kernel);
    Matmul pixels{convolution.dtype,
                  {convolution.images.size * convolution.y.output * convolution.x.output, convolution.images.batch},
                  {convolution.output_channels},
                  {convolution.input_channels}};
    if (is_pointwise(convolution) && operands[0].halo.empty() && has_many_rows(pixels, target))
      return plan_many_rows(pixels, target, constant_kernel, {convolution.y.output, convolution.x.output});
    if (auto few = plan_few_filters(convolution, operands[0], target, constant_kernel)) return *std::move(few);
    auto of_one = [&](int64_t) { return plan_convolution(convolution, operands[0], target, constant_kernel); };
    auto direct = [&](int64_t below) {
      auto images = plan_convolution_images(convolution, target, constant_kernel);
      return images && images->least_batch < below ? by_batch(std::move(*images), of_one) : of_one(below);
    };
    auto winograd = plan_winograd(convolution, operands[0], target, constant_kernel);
    return winograd ? by_batch(std::move(*winograd), direct) : direct(kAnyBatch);
  }
  Convolution convolution = read_backward_weights(op, operands, result);
  auto direct = [&](int64_t) { return plan_backward_weights(convolution, operands[0], target); };
  auto winograd = plan_winograd_weights(convolution, operands[0], target);
  return winograd ? by_batch(std::move(*winograd), direct) : direct(kAnyBatch);
}

}  // namespace netc
