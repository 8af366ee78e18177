#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "bench/kernel_bench/contestant.h"
#include "bench/kernel_bench/memory.h"
#include "test/unit/codegen/contraction_harness.h"

namespace netc::kernel_bench {
namespace {

using contraction_test::Contraction;

// One for each sample.
Dim samples(int64_t each = 1) { return {each, true}; }

Contraction contraction_of(const Dense &dense, Direction direction) {
  Dim batch = dense.bias ? samples() : Dim{dense.batch};
  Dim in{dense.inputs}, out{dense.outputs};
  DType dtype = dense.bf16 ? DType::bf16 : DType::f32;
  switch (direction) {
    case Direction::backward_data:
      return contraction_test::matmul(batch, out, in, false, true, dtype);
    case Direction::backward_weights:
      return contraction_test::matmul(in, batch, out, true, false, dtype);
    default:
      Contraction forward = contraction_test::matmul(batch, in, out, false, false, dtype);
      // A single sample is inference: weights are prepared once.
      forward.constant_kernel = dense.bias && dense.batch == 1;
      return forward;
  }
}

// As the compiler does: a convolution that sees every pixel by itself is a product of matrices, and the kernel of a
// gradient is mirrored and transposed before it, once for all images and outside of what is timed here.
Contraction pointwise_of(const Convolution &convolution, Direction direction) {
  Dim pixels = samples(convolution.size * convolution.size), in{convolution.channels}, out{convolution.filters};
  if (direction == Direction::backward_data) std::swap(in, out);
  return contraction_test::matmul(pixels, in, out, false, false);
}

Contraction contraction_of(const Convolution &convolution, Direction direction) {
  int64_t size = convolution.size, channels = convolution.channels, filters = convolution.filters;
  int64_t kernel = convolution.kernel, edge = convolution.padding(), stride = convolution.stride;
  DType dtype = convolution.bf16 ? DType::bf16 : DType::f32;
  if (kernel == 1 && stride == 1 && direction != Direction::backward_weights)
    return pointwise_of(convolution, direction);
  contraction_test::Window window{.kernel_height = kernel,
                                  .kernel_width = kernel,
                                  .strides = {stride, stride},
                                  .padding = {edge, edge, edge, edge},
                                  .groups = convolution.groups};
  Halo halo{edge, edge, edge, edge};
  if (direction == Direction::forward)
    return contraction_test::conv2d(samples(), size, size, channels, filters, window, halo, dtype);
  if (direction == Direction::backward_weights)
    return contraction_test::conv2d_backward_weights(samples(), size, size, channels, filters, window, halo, dtype);
  // The convolution of the gradient, with a zero between its elements for each stride, with the mirrored kernel.
  int64_t before = kernel - 1 - edge, after = before + (size + 2 * edge - kernel) % stride;
  window.strides = {1, 1};
  window.input_dilation = {stride, stride};
  window.padding = {before, after, before, after};
  int64_t result = convolution.result_size();
  return contraction_test::conv2d(samples(), result, result, filters, channels, window, halo, dtype);
}

int64_t batch_of(const Case &test) {
  if (const auto *dense = std::get_if<Dense>(&test.work)) return dense->bias ? dense->batch : 1;
  return std::get<Convolution>(test.work).images;
}

Contraction contraction_of(const Case &test) {
  if (const auto *dense = std::get_if<Dense>(&test.work)) return contraction_of(*dense, test.direction);
  return contraction_of(std::get<Convolution>(test.work), test.direction);
}

bool is_bf16(const Case &test) {
  if (const auto *dense = std::get_if<Dense>(&test.work)) return dense->bf16;
  return std::get<Convolution>(test.work).bf16;
}

contraction_test::Compiled compiled(const Case &test, TargetOptions options) {
  const auto *convolution = std::get_if<Convolution>(&test.work);
  // What the machine can do with bf16 is more than its level says.
  if (std::vector<TargetOptions> better = test::bf16_targets(); is_bf16(test) && !better.empty())
    options = better.front();
  options.winograd = convolution != nullptr && convolution->winograd;
  auto target = make_target(options);
  if (!target) throw std::runtime_error(target.error().message);
  return {contraction_of(test), *target};
}

}  // namespace

Run netc_contraction(const Case &test, const TargetOptions &options) {
  Contraction contraction = contraction_of(test);
  auto kernel = std::make_shared<contraction_test::Compiled>(compiled(test, options));
  int64_t batch = batch_of(test);
  auto memory = [&](const ValueLayout &layout) {
    return filled(static_cast<size_t>(contraction_test::stored_elements(layout, batch)));
  };
  constexpr size_t kMostChannels = size_t{1} << 16;
  return [=, a = memory(contraction.operands[0]), b = memory(contraction.operands[1]),
          result = memory(contraction.result), bias = filled(kMostChannels), prepared = false]() mutable {
    kernel->run(a.get(), b.get(), bias.get(), result.get(), batch, false, prepared);
    prepared = contraction.constant_kernel;
  };
}

std::string contraction_ir(const Case &test, const TargetOptions &options) { return compiled(test, options).ir(); }

}  // namespace netc::kernel_bench
