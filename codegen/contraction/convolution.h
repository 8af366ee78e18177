// What conv2d and conv2d_backward_weights say, read off the op and its types once.
#pragma once

#include <optional>

#include "codegen/contraction/geometry.h"
#include "codegen/kernel_emitter.h"

namespace netc::contraction {

struct Convolution {
  DType dtype = DType::f32;
  Dim images;
  ConvolutionAxis y, x;
  int64_t groups = 1;
  int64_t input_channels = 1;   // of one group
  int64_t output_channels = 1;  // of one group

  // One filter a channel: nothing is summed over channels.
  bool depthwise() const { return groups > 1 && input_channels == 1 && output_channels == 1; }
};
// A convolution that sees every pixel by itself, without padding.
bool is_pointwise(const Convolution &convolution);
Convolution read_convolution(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result);
Convolution read_backward_weights(const Op &op, std::span<const ValueLayout> operands, const ValueLayout &result);

// A way of computing that is good from a certain batch on; smaller ones are left to others.
struct LoweringForBatches {
  ContractionLowering lowering;
  int64_t least_batch = 1;
};

// A kernel that never changes may be copied first, so that it is read in the order of memory.
ContractionLowering plan_convolution(const Convolution &convolution, const ValueLayout &input, const Target &target,
                                     bool constant_kernel = false);
// Nothing where tiles of pixels of one image do as well.
std::optional<LoweringForBatches> plan_convolution_images(const Convolution &convolution, const Target &target,
                                                          bool constant_kernel);
ContractionLowering plan_backward_weights(const Convolution &convolution, const ValueLayout &input,
                                          const Target &target);

}  // namespace netc::contraction
