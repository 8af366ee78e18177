// Convolutions in small groups of channels, and depthwise ones with several filters a channel: sizes around those of
// vectors, which hold several groups, and of tiles. What they share with depthwise ones is in depthwise_test.cpp.
#include <gtest/gtest.h>

#include "test/unit/codegen/contraction_check.h"

namespace netc::contraction_test {

namespace {

constexpr Dim B{1, true};
const Halo kHalo{1, 1, 1, 1};

struct Groups {
  int64_t count, channels, filters;  // of one group
};

Window window_of(Groups groups, int64_t kernel, int64_t stride = 1) {
  int64_t edge = kernel / 2;
  return {.kernel_height = kernel,
          .kernel_width = kernel,
          .strides = {stride, stride},
          .padding = {edge, edge, edge, edge},
          .groups = groups.count};
}

Contraction forward(int64_t height, int64_t width, Groups groups, const Window &window, DType dtype = DType::f32) {
  return conv2d(B, height, width, groups.count * groups.channels, groups.count * groups.filters, window, kHalo, dtype);
}
Contraction weights(int64_t height, int64_t width, Groups groups, const Window &window, DType dtype = DType::f32) {
  return conv2d_backward_weights(B, height, width, groups.count * groups.channels, groups.count * groups.filters,
                                 window, kHalo, dtype);
}
// The gradient of a strided convolution with respect to its input, from a gradient of this size.
Contraction gradient(int64_t height, int64_t width, Groups groups, int64_t kernel, int64_t stride) {
  int64_t before = kernel / 2, after = before + stride - 1;
  Window window{.kernel_height = kernel,
                .kernel_width = kernel,
                .padding = {before, after, before, after},
                .input_dilation = {stride, stride},
                .groups = groups.count};
  return forward(height, width, groups, window);
}

}  // namespace

// Vectors of the targets hold 1 to 16 groups; the last one is seldom full.
TEST(Grouped, EveryGroupCount) {
  for (int64_t size : {2, 4, 8, 16})
    for (int64_t count : {2, 5, 9}) {
      Groups groups{count, size, size};
      check(forward(5, 4, groups, window_of(groups, 3)), 3);
      check(weights(5, 4, groups, window_of(groups, 3)), 3);
    }
}

// More filters than channels, and the reverse in their gradients; sizes that fit no vector.
TEST(Grouped, ChannelsAndFiltersDiffer) {
  for (Groups groups : {Groups{9, 1, 2},
                        {5, 1, 4},
                        {17, 1, 3},
                        {17, 2, 1},
                        {33, 2, 1},
                        {5, 4, 1},
                        {7, 3, 1},
                        {6, 8, 1},
                        {7, 3, 2},
                        {5, 3, 4},
                        {3, 4, 2},
                        {4, 5, 5},
                        {2, 17, 16}}) {
    check(forward(6, 5, groups, window_of(groups, 3)), 3);
    check(weights(6, 5, groups, window_of(groups, 3)), 3);
    check(gradient(3, 4, groups, 3, 2), 3);
  }
}

TEST(Grouped, EveryWidthAndHeight) {
  for (int64_t size : {1, 3, 8, 13, 19}) {
    Groups groups{5, 4, 4};
    int64_t other = size * 5 % 13 + 1;
    check(forward(other, size, groups, window_of(groups, 3)), 1);
    check(weights(other, size, groups, window_of(groups, 3)), 1);
    check(gradient(size, other, groups, 3, 2), 1);
    check(weights(size, other, groups, window_of(groups, 3, 2)), 1);
  }
}

TEST(Grouped, Kernels) {
  for (Groups groups : {Groups{6, 4, 4}, {9, 1, 2}})
    for (int64_t kernel : {1, 2, 5, 7}) {  // the largest have too many taps for straight code
      check(forward(9, 7, groups, window_of(groups, kernel, kernel == 2 ? 2 : 1)), 2);
      check(weights(9, 7, groups, window_of(groups, kernel)), 2);
      check(gradient(3, 4, groups, kernel, 2), 2);
    }
}

// So large that it is copied, in each call or beforehand.
TEST(Grouped, KernelsInPanels) {
  Groups groups{77, 4, 4};
  check(gradient(3, 2, groups, 3, 2), 2);
  Contraction contraction = forward(4, 5, groups, window_of(groups, 3));
  for (bool constant : {false, true}) {
    contraction.constant_kernel = constant;
    check(contraction, 3);
  }
  contraction.operands[0].halo = {};
  check(contraction, 2);
}

TEST(Grouped, ImagesSmallerThanTheKernel) {
  for (Groups groups : {Groups{5, 4, 4}, {9, 1, 2}, {9, 2, 1}})
    for (int64_t size : {1, 2}) {
      check(forward(size, 3 - size, groups, window_of(groups, 5)), 3);
      check(weights(size, 3 - size, groups, window_of(groups, 5)), 3);
    }
}

TEST(Grouped, ManyImagesAndChunks) {
  for (Groups groups : {Groups{18, 4, 4}, {35, 1, 2}}) {
    check(forward(14, 15, groups, window_of(groups, 3)), 9);
    check(weights(9, 10, groups, window_of(groups, 3)), 40);
  }
}

TEST(Grouped, DoublePrecision) {
  for (Groups groups : {Groups{5, 4, 4}, {9, 1, 2}, {9, 2, 1}}) {
    check(forward(6, 7, groups, window_of(groups, 3), DType::f64), 2);
    check(weights(6, 7, groups, window_of(groups, 3), DType::f64), 2);
  }
}

}  // namespace netc::contraction_test
