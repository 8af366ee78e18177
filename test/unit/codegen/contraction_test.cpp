// Contractions of many shapes against a double loop, and bit for bit against themselves cut differently.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "test/unit/codegen/contraction_check.h"

namespace netc::contraction_test {

namespace {

constexpr Dim B{1, true};

const Halo kHalo{1, 1, 1, 1};

}  // namespace

TEST(Contraction, MatmulOfEverySize) {
  for (int64_t columns : {1, 3, 8, 10, 17, 33, 128, 130})
    check(matmul(B, {columns % 2 == 0 ? 64 : 5}, {columns}, false, false), 19);
  for (int64_t steps : {1, 10, 13}) check(matmul(B, {steps}, {16}, false, false), 19);
}

TEST(Contraction, MatmulOfEveryBatch) {
  for (int64_t batch : {1, 2, 3, 4, 14, 15, 33}) check(matmul(B, {27}, {40}, false, false), batch);
  for (int64_t batch : {1, 2}) check(matmul(B, {700}, {140}, false, false), batch);
}

TEST(Contraction, MatmulInManyChunks) {
  check(matmul(B, {784}, {300}, false, false), 37);
  check(matmul({90}, {300}, {1100}, false, false), 1);
}

// A right side that is used through a copy: rows around the sizes of tiles, steps in one and in several copies.
TEST(Contraction, MatmulOfALargeRightSide) {
  for (int64_t batch : {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 16, 17, 18, 29, 32, 64, 71})
    check(matmul(B, {230}, {37}, false, false), batch);
  for (int64_t columns : {31, 32, 49}) check(matmul(B, {301}, {columns}, false, false), 15);
  check(matmul(B, {2050}, {36}, false, false), 14);
  check(matmul(B, {2050}, {36}, false, true), 5);
  check(matmul({50}, {260}, {70}, false, false), 1);
  check(matmul({50}, {260}, {70}, true, false), 1);
  // Chunks of 64 rows that end within a panel and begin in the next one.
  for (int64_t batch : {63, 65, 100}) check(matmul(B, {1030}, {117}, false, false), batch);
}

// One that never changes is copied once, in panels; a single row reads several panels side by side.
TEST(Contraction, MatmulOfAConstantRightSide) {
  auto check_constant = [](int64_t batch, int64_t steps, int64_t columns) {
    Contraction product = matmul(B, {steps}, {columns}, false, false);
    product.constant_kernel = true;
    check(product, batch);
  };
  for (int64_t batch : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 17, 29, 64, 71}) check_constant(batch, 230, 37);
  for (int64_t columns : {16, 17, 31, 32, 33, 49, 63, 65, 127, 130})
    for (int64_t batch : {1, 15}) check_constant(batch, 601, columns);
  for (int64_t batch : {1, 2}) check_constant(batch, 700, 300);
  check_constant(40, 1030, 264);
  Contraction pairs = matmul({2, true}, {300}, {70}, false, false);
  pairs.constant_kernel = true;
  for (int64_t batch : {1, 9}) check(pairs, batch);
}

// Rows of the right side that meet in few places of the cache are gathered first.
TEST(Contraction, MatmulOfGatheredRows) {
  for (int64_t batch : {1, 3, 16, 33}) check(matmul({50}, B, {256}, true, false), batch);
  check(matmul({33}, {2, true}, {512}, true, false), 5);
  check(matmul({40}, B, {256}, true, false, DType::f64), 3);
}

// The turned product: the batch around the sizes of panels, columns around those of groups and tiles.
TEST(Contraction, MatmulTurned) {
  for (int64_t batch : {1, 3, 8, 16, 17, 32, 33, 40}) check(matmul(B, {96}, {53}, false, true), batch);
  for (int64_t columns : {1, 7, 16, 47, 48, 49, 100}) check(matmul(B, {101}, {columns}, false, true), 19);
  check(matmul({2, true}, {97}, {20}, false, true), 9);
  check(matmul(B, {98}, {30}, false, true, DType::f64), 9);
}

// Pixels of a 1x1 convolution: rows around the sizes of tiles, columns around those of panels; batches on both sides of
// the one from which on B is copied.
TEST(Contraction, MatmulOfManyRows) {
  for (int64_t batch : {1, 3, 5, 11, 14}) check(matmul({49, true}, {70}, {40}, false, false), batch);
  for (int64_t columns : {16, 17, 31, 32, 33})
    for (int64_t batch : {1, 3}) check(matmul({171, true}, {35}, {columns}, false, false), batch);
  for (int64_t steps : {1, 7, 8, 15}) check(matmul({515, true}, {steps}, {48}, false, false), 1);
  for (int64_t batch : {3, 40}) check(matmul({16, true}, {9}, {20}, false, false, DType::f64), batch);
}

// The same where the result is an image with a halo.
TEST(Contraction, PointwiseConvolutionIntoAHalo) {
  for (int64_t width : {4, 14, 15, 33})
    for (int64_t filters : {16, 37}) {
      Contraction convolution = conv2d(B, 5, width, 9, filters, {.kernel_height = 1, .kernel_width = 1}, {});
      convolution.result.halo = {1, 2, 2, 1};
      check(convolution, width == 4 ? 30 : 3);
      convolution.constant_kernel = true;
      check(convolution, width == 4 ? 30 : 3);
    }
}

// The gradient of the weights of a 1x1 convolution: pixels around the sizes of blocks and groups, panels shared out or
// not.
TEST(Contraction, MatmulSummedOverPixels) {
  for (int64_t batch : {1, 3, 5, 14}) check(matmul({17}, {49, true}, {70}, true, false), batch);
  for (int64_t columns : {16, 17, 31, 32, 33, 65}) check(matmul({29}, {65, true}, {columns}, true, false), 3);
  for (int64_t rows : {1, 14, 15}) check(matmul({rows}, {130, true}, {48}, true, false), 9);
  for (int64_t batch : {1, 3, 9}) check(matmul({40}, {300, true}, {300}, true, false), batch);
  for (int64_t batch : {1, 5, 15}) check(matmul({100}, {80, true}, {400}, true, false), batch);
  check(matmul({20}, {16, true}, {20}, true, false, DType::f64), 3);
}

TEST(Contraction, MatmulTransposed) {
  for (int64_t columns : {1, 10, 33, 130}) {
    check(matmul({columns == 10 ? 64 : 9}, B, {columns}, true, false), 7);
    check(matmul(B, {columns == 10 ? 10 : 35}, {columns}, false, true), 9);
  }
  check(matmul({6}, {11}, {33}, true, true), 1);
  check(matmul({6}, B, {33}, true, true), 18);
  check(matmul({6}, B, {130}, false, true), 18);
  check(matmul(B, {128}, {784}, false, true), 32);
}

TEST(Contraction, MatmulWithColumnsFromTheBatch) {
  check(matmul({6}, {11}, B, false, false), 5);
  check(matmul({6}, {11}, B, true, true), 5);
  check(matmul(B, {11}, {6}, true, false), 5);
}

TEST(Contraction, ConvolutionOfEveryChannelCount) {
  for (int64_t channels : {1, 2, 3, 4, 5, 9, 16, 17, 32, 33})
    check(conv2d(B, 6, 7, channels, 8, {.padding = {1, 1, 1, 1}}, kHalo), 2);
  for (int64_t filters : {1, 2, 5, 15, 16, 17, 33})
    check(conv2d(B, 5, 4, 3, filters, {.padding = {1, 1, 1, 1}}, kHalo), 2);
  check(conv2d(B, 14, 14, 32, 64, {.padding = {1, 1, 1, 1}}, kHalo), 3);
  check(conv2d(B, 28, 28, 8, 32, {.padding = {1, 1, 1, 1}}, kHalo), 1);
  check(conv2d(B, 5, 5, 120, 150, {.padding = {1, 1, 1, 1}}, kHalo), 2);
}

TEST(Contraction, ConvolutionWithoutHalo) {
  check(conv2d(B, 6, 7, 3, 5, {.padding = {1, 1, 1, 1}}, {}), 3);
  check(conv2d(B, 6, 7, 3, 5, {.padding = {2, 0, 1, 3}}, {1, 0, 1, 1}), 3);
  check(conv2d({2}, 6, 7, 3, 5, {.padding = {1, 1, 1, 1}}, {}), 3);
}

TEST(Contraction, ConvolutionWithStridesDilationAndLargeHalos) {
  for (int64_t stride : {1, 2, 3})
    for (int64_t dilation : {1, 2})
      for (int64_t kernel : {1, 2, 3, 5})
        check(conv2d(B, 11, 9, 4, 6,
                     {.kernel_height = kernel,
                      .kernel_width = kernel,
                      .strides = {stride, stride},
                      .padding = {4, 4, 4, 4},
                      .dilation = {dilation, dilation}},
                     {5, 4, 6, 4}),
              2);
  check(conv2d(B, 9, 12, 4, 6, {.kernel_height = 1, .kernel_width = 7, .strides = {2, 3}, .padding = {0, 0, 3, 3}}, {}),
        2);
}

TEST(Contraction, ConvolutionSmallerThanItsKernel) {
  check(conv2d(B, 2, 1, 5, 6, {.kernel_height = 5, .kernel_width = 5, .padding = {2, 2, 2, 2}}, {2, 2, 2, 2}), 3);
  check(conv2d(B, 1, 1, 20, 17, {.padding = {1, 1, 1, 1}}, {}), 3);
  check(conv2d(B, 3, 3, 5, 6, {}, {}), 1);
}

TEST(Contraction, ConvolutionInGroups) {
  check(conv2d(B, 6, 6, 8, 12, {.padding = {1, 1, 1, 1}, .groups = 4}, kHalo), 2);
  check(conv2d(B, 6, 6, 6, 12, {.padding = {1, 1, 1, 1}, .groups = 6}, kHalo), 2);
  for (int64_t channels : {2, 7, 16, 33, 70})
    check(conv2d(B, 7, 6, channels, channels, {.padding = {1, 1, 1, 1}, .groups = channels}, kHalo), 2);
  check(conv2d(B, 9, 9, 20, 20,
               {.kernel_height = 5, .kernel_width = 5, .strides = {2, 2}, .padding = {2, 2, 2, 2}, .groups = 20}, {}),
        2);
}

TEST(Contraction, ConvolutionIntoAHalo) {
  Contraction contraction = conv2d(B, 6, 7, 3, 20, {.padding = {1, 1, 1, 1}}, kHalo);
  contraction.result.halo = {1, 2, 3, 1};
  check(contraction, 3);
}

TEST(Contraction, ConvolutionOfADilatedInput) {
  for (int64_t dilation : {2, 3})
    for (int64_t kernel : {1, 2, 4}) {
      Window window{.kernel_height = kernel,
                    .kernel_width = kernel,
                    .padding = {kernel - 1, kernel, kernel - 1, kernel},
                    .input_dilation = {dilation, dilation}};
      check(conv2d(B, 5, 4, 6, 9, window, {}), 2);
      window.groups = 6;
      check(conv2d(B, 5, 4, 6, 6, window, kHalo), 2);
    }
  check(conv2d(B, 5, 4, 6, 9,
               {.strides = {2, 1}, .padding = {1, 1, 1, 1}, .dilation = {1, 3}, .input_dilation = {3, 2}}, {}),
        2);
}

TEST(Contraction, ConvolutionThatCrops) {
  check(conv2d(B, 9, 9, 6, 9, {.padding = {-1, -2, -1, 1}}, {}), 2);
  check(conv2d(B, 5, 5, 6, 9, {.padding = {-1, 2, -2, -1}, .input_dilation = {2, 2}}, kHalo), 2);
}

// Vectors along the channels; results of neighbouring pixels leave together.
TEST(Contraction, ConvolutionWithFewFilters) {
  for (int64_t filters : {1, 2, 3, 4})
    for (int64_t channels : {4, 12, 16, 20, 24, 33, 64})
      check(conv2d(B, 5, 18, channels, filters, {.padding = {1, 1, 1, 1}}, kHalo), 2);
  for (int64_t width : {1, 2, 7, 8, 15, 16, 17, 33})
    check(conv2d(B, 3, width, 16, 1, {.padding = {1, 1, 1, 1}}, {}), 3);
  check(conv2d(B, 9, 11, 16, 3, {.strides = {2, 3}, .padding = {2, 2, 2, 2}, .dilation = {2, 1}}, {}), 3);
  check(conv2d(B, 2, 1, 32, 2, {.kernel_height = 5, .kernel_width = 5, .padding = {2, 2, 2, 2}}, {}), 1);
  check(conv2d({3}, 6, 6, 16, 1, {.kernel_height = 1, .kernel_width = 1}, {}), 1);
  Contraction into_a_halo = conv2d(B, 6, 7, 16, 2, {.padding = {1, 1, 1, 1}}, kHalo);
  into_a_halo.result.halo = {1, 2, 3, 1};
  into_a_halo.constant_kernel = true;
  check(into_a_halo, 3);
}

// Blocks of filters are copied to the stack; chunks are some images of a block, or end in the next one.
TEST(Contraction, ConvolutionOfALargeKernelInBlocksOfFilters) {
  for (int64_t filters : {129, 160})
    check(conv2d(B, 7, 9, 120, filters, {.strides = {2, 2}, .padding = {1, 1, 1, 1}}, kHalo), 3);
  check(conv2d({3}, 4, 5, 131, 140, {.padding = {1, 1, 1, 1}}, {}), 1);
  Contraction into_a_halo = conv2d(B, 6, 7, 120, 140, {.strides = {2, 1}, .padding = {1, 1, 1, 1}}, kHalo);
  into_a_halo.result.halo = {1, 2, 3, 1};
  check(into_a_halo, 1);
  check(conv2d(B, 3, 5, 120, 150, {.padding = {1, 1, 1, 1}}, {}, DType::f64), 2);
}

// The gradient of one with strides: outputs that no tap reaches are shared out among the blocks.
TEST(Contraction, ConvolutionOfADilatedInputWithALargeKernel) {
  Window pointwise{.kernel_height = 1, .kernel_width = 1, .padding = {0, 1, 0, 1}, .input_dilation = {2, 2}};
  check(conv2d(B, 5, 4, 300, 450, pointwise, {}), 3);
  pointwise.padding = {0, 2, 1, 2};
  pointwise.input_dilation = {3, 3};
  check(conv2d(B, 2, 7, 450, 301, pointwise, {}), 1);
  check(conv2d(B, 5, 6, 120, 140, {.padding = {1, 2, 1, 2}, .input_dilation = {2, 2}}, kHalo), 3);
}

// Tiles go over images; taps that see nothing but zeros are left out.
TEST(Contraction, ConvolutionOfSmallImagesWithALargeKernel) {
  check(conv2d(B, 4, 4, 240, 245, {.strides = {2, 2}, .padding = {1, 1, 1, 1}}, {1, 1, 1, 1}), 17);
  check(conv2d({9}, 2, 3, 245, 240, {.padding = {1, 1, 1, 1}}, {}), 1);
  check(conv2d(B, 1, 3, 150, 150, {.kernel_height = 5, .kernel_width = 5, .padding = {2, 2, 2, 2}}, {}), 8);
  check(conv2d(B, 4, 5, 247, 240, {.padding = {2, 2, 2, 2}, .dilation = {2, 3}}, {}), 9);
  check(conv2d(B, 2, 2, 240, 247, {.padding = {1, 2, 2, 1}, .input_dilation = {2, 2}}, {}), 9);
}

// A large kernel that never changes is copied for few pixels, beside what larger batches make of it.
TEST(Contraction, ConvolutionOfFewPixelsWithAConstantKernel) {
  auto check_batches = [](Contraction contraction, std::initializer_list<int64_t> batches) {
    contraction.constant_kernel = true;
    for (int64_t batch : batches) check(contraction, batch);
  };
  check_batches(conv2d(B, 4, 4, 240, 245, {.padding = {1, 1, 1, 1}}, {1, 1, 1, 1}), {1, 3, 9});
  check_batches(conv2d(B, 4, 4, 120, 130, {.strides = {2, 2}, .padding = {1, 1, 1, 1}}, {}), {1, 2});
  check_batches(conv2d(B, 3, 5, 130, 129, {.padding = {2, 2, 2, 2}, .dilation = {2, 2}}, {2, 2, 2, 2}), {1, 3});
  check_batches(conv2d(B, 1, 1, 130, 140, {.padding = {1, 1, 1, 1}}, {}), {1, 3});
  check_batches(conv2d(B, 2, 7, 150, 100, {.padding = {1, 1, 1, 1}}, {}), {1});
}

TEST(Contraction, BackwardWeights) {
  for (int64_t channels : {1, 2, 3, 8, 17})
    for (int64_t filters : {1, 10, 16, 33})
      check(conv2d_backward_weights(B, 6, 7, channels, filters, {.padding = {1, 1, 1, 1}}, kHalo), 3);
  check(conv2d_backward_weights(B, 6, 7, 3, 5, {.padding = {1, 1, 1, 1}}, {}), 35);
  check(conv2d_backward_weights(B, 28, 28, 8, 16, {.padding = {1, 1, 1, 1}}, kHalo), 4);
  for (int64_t stride : {1, 2, 3})
    for (int64_t kernel : {1, 2, 5})
      check(conv2d_backward_weights(B, 11, 9, 4, 6,
                                    {.kernel_height = kernel,
                                     .kernel_width = kernel,
                                     .strides = {stride, stride},
                                     .padding = {2, 2, 2, 2},
                                     .dilation = {1, stride}},
                                    {}),
            3);
}

TEST(Contraction, BackwardWeightsInGroups) {
  check(conv2d_backward_weights(B, 6, 6, 8, 12, {.padding = {1, 1, 1, 1}, .groups = 4}, kHalo), 3);
  check(conv2d_backward_weights(B, 6, 6, 6, 12, {.padding = {1, 1, 1, 1}, .groups = 6}, kHalo), 3);
  for (int64_t channels : {2, 16, 33, 70})
    check(conv2d_backward_weights(B, 7, 6, channels, channels,
                                  {.strides = {2, 1}, .padding = {1, 1, 1, 1}, .groups = channels}, kHalo),
          3);
}

TEST(Contraction, BackwardWeightsOfALargeKernel) {
  check(conv2d_backward_weights(B, 4, 4, 130, 133, {.padding = {1, 1, 1, 1}}, kHalo), 2);  // in partial results
  check(conv2d_backward_weights(B, 4, 4, 190, 197, {.padding = {1, 1, 1, 1}}, kHalo), 2);
  check(conv2d_backward_weights(B, 4, 4, 280, 290, {.padding = {1, 1, 1, 1}, .groups = 2}, {}), 2);
}

// Blocks of pixels: bands of rows, the last one shorter; several small images, fewer at the end.
TEST(Contraction, BackwardWeightsOfALargeKernelInBlocks) {
  Window strided{.strides = {2, 2}, .padding = {1, 1, 1, 1}};
  check(conv2d_backward_weights(B, 33, 31, 120, 130, strided, kHalo), 1);
  check(conv2d_backward_weights(B, 13, 11, 120, 130, strided, {}), 7);
  strided.dilation = {1, 2};
  check(conv2d_backward_weights({2}, 9, 8, 120, 130, strided, {}), 1);
}

TEST(Contraction, BackwardWeightsOfALargeImage) {
  check(conv2d_backward_weights(B, 131, 130, 1, 17, {.padding = {1, 1, 1, 1}}, kHalo), 2);
  check(conv2d_backward_weights(B, 132, 130, 4, 17, {}, {}), 1);
}

TEST(Contraction, DoublePrecision) {
  check(matmul(B, {27}, {11}, false, false, DType::f64), 9);
  check(matmul(B, {27}, {11}, false, true, DType::f64), 9);
  check(matmul({27}, B, {11}, true, false, DType::f64), 9);
  check(conv2d(B, 6, 7, 3, 5, {.padding = {1, 1, 1, 1}}, {}, DType::f64), 3);
  check(conv2d_backward_weights(B, 6, 7, 3, 5, {.padding = {1, 1, 1, 1}}, {}, DType::f64), 3);
}

// Numbers whose sums are rounded: the bits tell the order of the sum.
std::vector<float> rough(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float &number : numbers) number = normal(random);
  return numbers;
}

TEST(Contraction, ATileChangesNoBit) {
  constexpr int64_t kRows = 19, kSteps = 137, kColumns = 45, kFew = 7;
  std::vector<float> a = rough(kRows * kSteps, 1), b = rough(kSteps * kColumns, 2), bias(kColumns, 0.0F);
  std::vector<float> few;                                                    // the first columns of b
  Contraction constant = matmul(B, {kSteps * 2}, {kColumns}, false, false);  // large enough to be copied
  std::vector<float> long_a = rough(kRows * kSteps * 2, 3), long_b = rough(kSteps * 2 * kColumns, 4);
  for (int64_t k = 0; k < kSteps; ++k) few.insert(few.end(), b.begin() + k * kColumns, b.begin() + k * kColumns + kFew);
  for (const Target &target : all_targets()) {
    std::vector<float> all(kRows * kColumns), narrow(kRows * kFew), row(kColumns);
    Compiled wide(matmul(B, {kSteps}, {kColumns}, false, false), target);
    wide.run(a.data(), b.data(), bias.data(), all.data(), kRows);
    Compiled(matmul(B, {kSteps}, {kFew}, false, false), target)
        .run(a.data(), few.data(), bias.data(), narrow.data(), kRows);
    std::vector<float> changing(kRows * kColumns), copied(kRows * kColumns);
    Compiled(constant, target).run(long_a.data(), long_b.data(), bias.data(), changing.data(), kRows);
    constant.constant_kernel = true;
    Compiled panels(constant, target);
    panels.run(long_a.data(), long_b.data(), bias.data(), copied.data(), kRows);
    EXPECT_EQ(changing, copied) << target.cpu;
    constant.constant_kernel = false;
    for (int64_t r = 0; r < kRows; ++r) {
      panels.run(&long_a[r * kSteps * 2], long_b.data(), bias.data(), row.data(), 1);
      EXPECT_EQ(0, std::memcmp(&copied[r * kColumns], row.data(), kColumns * sizeof(float))) << target.cpu;
      EXPECT_EQ(0, std::memcmp(&all[r * kColumns], &narrow[r * kFew], kFew * sizeof(float)))
          << target.cpu << " row " << r;
      wide.run(&a[r * kSteps], b.data(), bias.data(), row.data(), 1);
      EXPECT_EQ(0, std::memcmp(&all[r * kColumns], row.data(), kColumns * sizeof(float))) << target.cpu << " row " << r;
    }
  }
}

TEST(Contraction, AnotherImageSizeChangesNoBitOfAPixel) {
  constexpr int64_t kHeight = 9, kWidth = 30, kNarrow = 11, kChannels = 5, kFilters = 20;
  std::vector<float> wide_image = rough(kHeight * kWidth * kChannels, 3), narrow_image,
                     kernel = rough(9 * kChannels * kFilters, 4);
  for (int64_t y = 0; y < kHeight; ++y) {
    auto row = wide_image.begin() + y * kWidth * kChannels;
    narrow_image.insert(narrow_image.end(), row, row + kNarrow * kChannels);
  }
  std::vector<float> bias(kFilters, 0.0F);
  for (const Target &target : all_targets()) {
    std::vector<float> wide((kHeight - 2) * (kWidth - 2) * kFilters), narrow((kHeight - 2) * (kNarrow - 2) * kFilters);
    Compiled(conv2d(B, kHeight, kWidth, kChannels, kFilters, {}, {}), target)
        .run(wide_image.data(), kernel.data(), bias.data(), wide.data(), 1);
    Compiled(conv2d(B, kHeight, kNarrow, kChannels, kFilters, {}, {}), target)
        .run(narrow_image.data(), kernel.data(), bias.data(), narrow.data(), 1);
    for (int64_t y = 0; y < kHeight - 2; ++y)
      EXPECT_EQ(0, std::memcmp(&wide[y * (kWidth - 2) * kFilters], &narrow[y * (kNarrow - 2) * kFilters],
                               (kNarrow - 2) * kFilters * sizeof(float)))
          << target.cpu << " row " << y;
  }
}

}  // namespace netc::contraction_test
