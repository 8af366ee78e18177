// Depthwise convolutions and both their gradients: sizes around those of tiles, of vectors and of the kernel itself.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "test/unit/codegen/contraction_check.h"

namespace netc::contraction_test {

namespace {

constexpr Dim B{1, true};
const Halo kHalo{1, 1, 1, 1};

Window window_of(int64_t channels, int64_t kernel, int64_t stride = 1, int64_t dilation = 1) {
  int64_t edge = (kernel - 1) * dilation / 2;
  return {.kernel_height = kernel,
          .kernel_width = kernel,
          .strides = {stride, stride},
          .padding = {edge, edge, edge, edge},
          .dilation = {dilation, dilation},
          .groups = channels};
}

// The gradient of such a convolution with respect to its input.
Window gradient_of(int64_t channels, int64_t kernel, int64_t stride, int64_t dilation = 1) {
  int64_t before = (kernel - 1) * dilation / 2, after = before + stride - 1;
  return {.kernel_height = kernel,
          .kernel_width = kernel,
          .padding = {before, after, before, after},
          .dilation = {dilation, dilation},
          .input_dilation = {stride, stride},
          .groups = channels};
}

Contraction forward(int64_t height, int64_t width, int64_t channels, const Window &window, Halo halo = {}) {
  return conv2d(B, height, width, channels, channels, window, halo);
}
Contraction weights(int64_t height, int64_t width, int64_t channels, const Window &window, Halo halo = {}) {
  return conv2d_backward_weights(B, height, width, channels, channels, window, halo);
}

}  // namespace

TEST(Depthwise, EveryChannelCount) {
  for (int64_t channels : {2, 3, 4, 5, 8, 9, 15, 16, 17, 33}) {
    check(forward(7, 6, channels, window_of(channels, 3), kHalo), 3);
    check(weights(7, 6, channels, window_of(channels, 3), kHalo), 3);
    check(forward(4, 3, channels, gradient_of(channels, 3, 2), kHalo), 3);
  }
}

TEST(Depthwise, EveryWidthAndHeight) {
  for (int64_t size : {1, 2, 3, 4, 5, 7, 9, 12, 17}) {
    int64_t other = size * 5 % 13 + 1;
    check(forward(other, size, 5, window_of(5, 3), kHalo), 1);
    check(weights(other, size, 5, window_of(5, 3), kHalo), 1);
    check(forward(size, other, 5, gradient_of(5, 3, 2), kHalo), 1);
    check(weights(size, other, 5, window_of(5, 3, 2), kHalo), 1);
  }
}

TEST(Depthwise, StridesDilationAndKernels) {
  struct Case {
    int64_t kernel, stride, dilation;
  };
  for (Case c : {Case{1, 2, 1}, {2, 1, 1}, {3, 3, 1}, {3, 1, 2}, {3, 2, 3}, {5, 2, 1}, {7, 1, 1}}) {
    check(forward(11, 9, 6, window_of(6, c.kernel, c.stride, c.dilation), {3, 4, 3, 4}), 1);
    check(weights(11, 9, 6, window_of(6, c.kernel, c.stride, c.dilation)), 3);
    check(forward(5, 6, 6, gradient_of(6, c.kernel, c.stride, c.dilation)), 1);
  }
  Window window{.kernel_height = 1, .kernel_width = 4, .strides = {2, 1}, .padding = {0, 0, 2, 1}, .groups = 20};
  check(forward(3, 13, 20, window), 2);
  check(weights(3, 13, 20, window), 2);
  window = {.strides = {2, 1}, .padding = {1, 1, 1, 1}, .dilation = {1, 3}, .input_dilation = {3, 2}, .groups = 6};
  check(forward(5, 4, 6, window), 2);
  window = {.padding = {-1, -2, -1, 1}, .groups = 6};
  check(forward(9, 9, 6, window), 2);
}

// Too many taps for straight code.
TEST(Depthwise, LargeKernels) {
  check(forward(10, 11, 20, window_of(20, 9)), 2);
  check(weights(10, 11, 20, window_of(20, 9)), 2);
}

TEST(Depthwise, ImagesSmallerThanTheKernel) {
  for (int64_t size : {1, 2}) {
    check(forward(size, 3 - size, 17, window_of(17, 5)), 3);
    check(weights(size, 3 - size, 17, window_of(17, 5)), 3);
    check(forward(size, 3 - size, 17, gradient_of(17, 5, 2)), 3);
  }
}

TEST(Depthwise, IntoAHalo) {
  Contraction contraction = forward(6, 7, 20, window_of(20, 3), kHalo);
  contraction.result.halo = {1, 2, 3, 1};
  check(contraction, 3);
  contraction = forward(4, 5, 20, gradient_of(20, 3, 2), kHalo);
  contraction.result.halo = {1, 2, 3, 1};
  check(contraction, 3);
}

TEST(Depthwise, ManyImagesAndChunks) {
  check(forward(19, 17, 70, window_of(70, 3), kHalo), 4);
  check(forward(10, 9, 70, gradient_of(70, 3, 2), kHalo), 4);
  check(weights(9, 10, 70, window_of(70, 3), kHalo), 40);
}

TEST(Depthwise, DoublePrecision) {
  check(conv2d(B, 6, 7, 19, 19, window_of(19, 3), kHalo, DType::f64), 2);
  check(conv2d_backward_weights(B, 6, 7, 19, 19, window_of(19, 3), kHalo, DType::f64), 2);
}

// However an image is cut into tiles, each pixel is summed up in the same order.
TEST(Depthwise, AnotherImageSizeChangesNoBitOfAPixel) {
  constexpr int64_t kHeight = 13, kWidth = 22, kNarrow = 9, kLow = 6, kChannels = 21;
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> whole(kHeight * kWidth * kChannels), part, kernel(9 * kChannels), bias(kChannels, 0.0F);
  for (float &number : whole) number = normal(random);
  for (float &number : kernel) number = normal(random);
  for (int64_t y = 0; y < kLow; ++y) {
    auto row = whole.begin() + y * kWidth * kChannels;
    part.insert(part.end(), row, row + kNarrow * kChannels);
  }
  Window inside{.groups = kChannels};
  for (const Target &target : all_targets()) {
    std::vector<float> all((kHeight - 2) * (kWidth - 2) * kChannels), some((kLow - 2) * (kNarrow - 2) * kChannels);
    Compiled(forward(kHeight, kWidth, kChannels, inside), target)
        .run(whole.data(), kernel.data(), bias.data(), all.data(), 1);
    Compiled(forward(kLow, kNarrow, kChannels, inside), target)
        .run(part.data(), kernel.data(), bias.data(), some.data(), 1);
    for (int64_t y = 0; y < kLow - 2; ++y)
      EXPECT_EQ(0, std::memcmp(&all[static_cast<size_t>(y * (kWidth - 2) * kChannels)],
                               &some[static_cast<size_t>(y * (kNarrow - 2) * kChannels)],
                               (kNarrow - 2) * kChannels * sizeof(float)))
          << target.cpu << " row " << y;
  }
}

}  // namespace netc::contraction_test
