// Winograd's convolutions wherever they are possible, against the direct kernels in f64: every edge of a tile, a block,
// a panel; the same bits whatever the order of the chunks; rounding errors set against those of the direct kernels.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "test/unit/codegen/contraction_harness.h"

namespace netc::contraction_test {

namespace {

constexpr Dim B{1, true};
const Halo kOnes{1, 1, 1, 1};
const Window kSame{.padding = {1, 1, 1, 1}};

Target with_winograd(const TargetOptions &options, Winograd winograd) {
  Target target = *make_target(options);
  target.winograd = winograd;
  return target;
}

bool uses_winograd(const Compiled &compiled) {
  return std::ranges::any_of(compiled.lowering().stages,
                             [](const KernelStage &stage) { return stage.suffix == "winograd"; });
}

// Numbers for a value as stored, zeros in its halo.
std::vector<float> filled(const ValueLayout &layout, int64_t batch, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<size_t>(stored_elements(layout, batch)), 0.0F);
  std::vector<int64_t> sizes = sizes_at(layout.type.shape, batch), strides = strides_of(layout);
  int64_t first = first_element(layout);
  for (int64_t n = 0; n < sizes[0]; ++n)
    for (int64_t y = 0; y < sizes[1]; ++y)
      for (int64_t x = 0; x < sizes[2]; ++x)
        for (int64_t c = 0; c < sizes[3]; ++c)
          numbers[static_cast<size_t>(first + n * strides[0] + y * strides[1] + x * strides[2] + c)] = normal(random);
  return numbers;
}

Contraction in_doubles(Contraction contraction) {
  for (ValueLayout &operand : contraction.operands) operand.type.dtype = DType::f64;
  contraction.result.type.dtype = DType::f64;
  return contraction;
}

// What a halo of a result, never written, keeps.
constexpr float kUntouched = 12345;

template <typename T>
std::vector<T> run(Compiled &compiled, const Contraction &contraction, int64_t batch, bool backwards = false) {
  auto cast = [](const std::vector<float> &numbers) { return std::vector<T>(numbers.begin(), numbers.end()); };
  std::vector<T> a = cast(filled(contraction.operands[0], batch, 1)),
                 b = cast(filled(contraction.operands[1], batch, 2));
  std::vector<T> bias(static_cast<size_t>(contraction.result.type.shape.back().size));
  for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<T>(i % 5) / 4;
  std::vector<T> result(static_cast<size_t>(stored_elements(contraction.result, batch)), kUntouched);
  compiled.run(a.data(), b.data(), bias.data(), result.data(), batch, backwards);
  return result;
}

template <typename T>
double root_mean_square_error(const std::vector<T> &numbers, const std::vector<double> &exact) {
  double sum = 0;
  for (size_t i = 0; i < exact.size(); ++i) sum += std::pow(static_cast<double>(numbers[i]) - exact[i], 2);
  return std::sqrt(sum / static_cast<double>(exact.size()));
}

// Rounding errors beside those of the direct kernels; docs/codegen.md states these bounds.
constexpr double kMostTimesDirect = 10, kUnavoidable = 1e-6;

void check(const Contraction &contraction, int64_t batch, bool possible = true) {
  for (const TargetOptions &options : test::runnable_targets()) {
    Compiled direct(contraction, with_winograd(options, Winograd::never));
    Contraction doubles = in_doubles(contraction);
    Compiled reference(doubles, with_winograd(options, Winograd::wherever_possible));
    SCOPED_TRACE(contraction.op + " " + to_string(contraction.operands[0].type) + " " +
                 to_string(contraction.operands[1].type) + " batch " + std::to_string(batch) + " " + options.cpu);
    EXPECT_FALSE(uses_winograd(direct));
    EXPECT_FALSE(uses_winograd(reference)) << "gradient checks are not to be rounded more than need be";
    std::vector<double> exact = run<double>(reference, doubles, batch);
    double error_of_direct = root_mean_square_error(run<float>(direct, contraction, batch), exact);

    for (Winograd way : {Winograd::wherever_possible, Winograd::wherever_possible_in_stages}) {
      SCOPED_TRACE(way == Winograd::wherever_possible ? "in blocks" : "in stages");
      Compiled winograd(contraction, with_winograd(options, way));
      EXPECT_EQ(uses_winograd(winograd), possible);
      std::vector<float> result = run<float>(winograd, contraction, batch);
      double error = root_mean_square_error(result, exact);
      EXPECT_LT(error, kMostTimesDirect * error_of_direct + kUnavoidable);
      std::vector<float> again = run<float>(winograd, contraction, batch, true);
      EXPECT_EQ(0, std::memcmp(result.data(), again.data(), result.size() * sizeof(float)))
          << "the order of chunks shows";
    }
  }
}

}  // namespace

TEST(Winograd, ImagesOfEverySize) {
  for (int64_t size = 1; size <= 9; ++size)
    check(conv2d(B, size, 10 - size, 5, 6, kSame, kOnes), 3, size % 2 == 0 || size == 5);
  for (int64_t size : {2, 4, 7, 9}) check(conv2d(B, size, size, 16, 16, kSame, kOnes), 3);
  check(conv2d(B, 2, 2, 9, 31, kSame, {}), 5);
  check(conv2d(B, 28, 14, 8, 16, kSame, kOnes), 2);
}

TEST(Winograd, EveryChannelCount) {
  for (int64_t channels : {1, 15, 16, 17, 33})
    for (int64_t filters : {1, 15, 16, 17, 33})
      if (channels + filters == 34 || channels * filters == 33)
        check(conv2d(B, 6, 5, channels, filters, kSame, kOnes), 1);
  check(conv2d(B, 7, 7, 64, 100, kSame, kOnes), 2);
}

TEST(Winograd, PaddingsHalosAndBatches) {
  check(conv2d(B, 6, 7, 17, 20, {}, {}), 3);
  check(conv2d(B, 6, 7, 17, 20, kSame, {}), 3);
  check(conv2d({2}, 6, 7, 17, 20, kSame, {}), 1);
  check(conv2d(B, 6, 7, 17, 20, {.padding = {2, 0, 1, 2}}, {3, 1, 2, 2}), 3);
  check(conv2d(B, 4, 4, 17, 20, kSame, kOnes), 100);
  Contraction into_halo = conv2d(B, 6, 7, 5, 20, kSame, kOnes);
  into_halo.result.halo = {1, 2, 3, 1};
  check(into_halo, 3);
}

// Chunks of a single sample are panels of filters, if it is one product.
TEST(Winograd, SingleSamplesOfOneProduct) {
  for (int64_t filters : {33, 70}) check(conv2d(B, 7, 7, 9, filters, kSame, kOnes), 1);
  check(conv2d(B, 6, 5, 9, 100, kSame, kOnes), 3);
  check(conv2d(B, 4, 4, 9, 70, kSame, kOnes), 1);
  Compiled compiled(conv2d(B, 7, 7, 64, 128, kSame, kOnes),
                    with_winograd(test::best_target(), Winograd::wherever_possible));
  EXPECT_LE(compiled.lowering().stages.back().units_per_chunk_of_one, 2);
}

// Transformed beforehand, in both ways.
TEST(Winograd, ConstantKernels) {
  Contraction contraction = conv2d(B, 6, 7, 17, 80, kSame, kOnes);
  contraction.constant_kernel = true;
  check(contraction, 3);
}

TEST(Winograd, BackwardWeights) {
  for (int64_t size : {4, 5, 7, 9}) check(conv2d_backward_weights(B, size, 13 - size, 5, 6, kSame, kOnes), 3);
  for (int64_t size : {2, 4}) check(conv2d_backward_weights(B, 2, size, 9, 31, kSame, kOnes), 5);
  for (int64_t channels : {1, 15, 17, 33})
    for (int64_t filters : {1, 16, 33})
      if (channels == 17 || filters == 33) check(conv2d_backward_weights(B, 6, 5, channels, filters, kSame, kOnes), 1);
  check(conv2d_backward_weights(B, 6, 7, 17, 20, {}, {}), 3);
  check(conv2d_backward_weights(B, 6, 7, 17, 20, kSame, {}), 35);
  check(conv2d_backward_weights({18}, 6, 7, 17, 20, kSame, {}), 1);
  check(conv2d_backward_weights(B, 14, 14, 16, 48, kSame, kOnes), 18);
}

TEST(Winograd, OnlyWhereItApplies) {
  check(conv2d(B, 9, 9, 4, 4, {.strides = {2, 1}}, {}), 1, false);
  check(conv2d(B, 9, 9, 4, 4, {.dilation = {1, 2}}, {}), 1, false);
  check(conv2d(B, 9, 9, 4, 4, {.groups = 2}, {}), 1, false);
  check(conv2d(B, 9, 9, 4, 4, {.kernel_width = 5}, {}), 1, false);
  check(conv2d(B, 9, 9, 4, 4, {.padding = {1, 1, 1, 1}, .input_dilation = {2, 1}}, {}), 1, false);
}

TEST(Winograd, WhereFaster) {
  auto chosen = [](const Contraction &contraction) {
    return uses_winograd(Compiled(contraction, *make_target(test::best_target())));
  };
  EXPECT_TRUE(chosen(conv2d(B, 28, 28, 32, 32, kSame, kOnes)));
  EXPECT_FALSE(chosen(conv2d(B, 28, 28, 1, 32, kSame, kOnes)));
  EXPECT_FALSE(chosen(conv2d(B, 28, 28, 32, 1, kSame, kOnes)));
  EXPECT_TRUE(chosen(conv2d(B, 4, 4, 256, 256, kSame, kOnes)));
  EXPECT_TRUE(chosen(conv2d(B, 2, 2, 512, 512, kSame, kOnes)));
}

// A few images are not worth transforming a large kernel for.
TEST(Winograd, SmallBatchesAreLeftToTheDirectKernel) {
  Contraction contraction = conv2d(B, 4, 4, 256, 256, kSame, kOnes);
  Compiled chosen(contraction, *make_target(test::best_target()));
  auto runs = [&](const char *suffix, int64_t batch) {
    return std::ranges::any_of(chosen.lowering().stages, [&](const KernelStage &stage) {
      return stage.suffix == suffix && stage.least_batch <= batch && batch <= stage.most_batch;
    });
  };
  EXPECT_TRUE(runs("", 1));
  EXPECT_FALSE(runs("winograd", 1));
  EXPECT_FALSE(runs("", 32));
  EXPECT_TRUE(runs("winograd", 32));
  Compiled direct(contraction, with_winograd(test::best_target(), Winograd::never));
  EXPECT_EQ(run<float>(chosen, contraction, 1), run<float>(direct, contraction, 1));
}

}  // namespace netc::contraction_test
