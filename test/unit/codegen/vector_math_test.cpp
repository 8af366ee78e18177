// The error of the elementary functions in units in the last place, over sweeps of the whole range of f32.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "test/unit/codegen/harness.h"

namespace netc::test {
namespace {

struct Function1 {
  const char *name;
  double (*exact)(double);
  double low, high;  // the range swept on top of all magnitudes
  double ulps;
};

float from_bits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

double ulps_between(float got, double exact) {
  float rounded = static_cast<float>(exact);
  if (std::isnan(got) || std::isnan(rounded)) return std::isnan(got) == std::isnan(rounded) ? 0 : INFINITY;
  if (got == rounded) return 0;
  if (std::isinf(got) || std::isinf(rounded))
    return std::abs(rounded) > 3.4e38 || std::abs(got) > 3.4e38 ? 1 : INFINITY;
  double unit = std::max(std::ldexp(1.0, std::ilogb(rounded == 0 ? 1e-45f : rounded) - 23), 0x1p-149);
  return std::abs(static_cast<double>(got) - exact) / unit;
}

class Accuracy : public testing::TestWithParam<Function1> {};

TEST_P(Accuracy, WithinBound) {
  const Function1 &f = GetParam();
  constexpr int64_t count = 1 << 16;
  Module module;
  Builder builder(&module, "f", Mode::inference);
  ValueId x = builder.argument("x", {DType::f32, {{count, false}}});
  module.functions.push_back(builder.finish({builder.emit(f.name, {x})}, {"y"}));
  place_everything(module);
  Tensor input = Tensor::zeros(DType::f32, {count});
  for (int64_t i = 0; i < count; ++i)
    input.data[i] = i % 2 == 0 ? static_cast<double>(from_bits(static_cast<uint32_t>(i) << 16 | 0x1234))
                               : static_cast<float>(f.low + (f.high - f.low) * static_cast<double>(i) / count);
  for (const TargetOptions &target : runnable_targets()) {
    std::string cpu = target.triple + " " + target.cpu;
    CompiledModule compiled(module, target);
    Environment environment;
    std::vector<Tensor> output = compiled.run("f", {input}, environment);
    double worst = 0, at = 0;
    for (int64_t i = 0; i < count; ++i) {
      double error = ulps_between(static_cast<float>(output[0].data[i]), f.exact(input.data[i]));
      if (error > worst) {
        worst = error;
        at = input.data[i];
      }
    }
    EXPECT_LE(worst, f.ulps) << f.name << " on " << cpu << " at " << at;
    RecordProperty(std::string(f.name) + "_" + target.cpu, std::to_string(worst));
    std::printf("%s on %s: %.2f ulp at %g\n", f.name, cpu.c_str(), worst, at);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Functions, Accuracy,
    testing::Values(Function1{"exp", std::exp, -104, 89, 2}, Function1{"expm1", std::expm1, -20, 20, 3},
                    Function1{"log", std::log, 0, 4, 3}, Function1{"log1p", std::log1p, -0.99, 3, 4},
                    Function1{"tanh", std::tanh, -9, 9, 4},
                    Function1{"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, -100, 20, 4},
                    Function1{"erf", std::erf, -4, 4, 4}, Function1{"sqrt", std::sqrt, 0, 100, 0.51},
                    Function1{"reciprocal", [](double x) { return 1 / x; }, 0.1, 9, 0.51}),
    [](const auto &info) { return std::string(info.param.name); });

TEST(Accuracy, SineAndCosineUpToAMillion) {
  constexpr int64_t count = 1 << 16;
  Module module;
  Builder builder(&module, "f", Mode::inference);
  ValueId x = builder.argument("x", {DType::f32, {{count, false}}});
  module.functions.push_back(builder.finish({builder.emit("sin", {x}), builder.emit("cos", {x})}, {"s", "c"}));
  place_everything(module);
  Tensor input = Tensor::zeros(DType::f32, {count});
  for (int64_t i = 0; i < count; ++i) {
    double t = 2.0 * static_cast<double>(i) / count - 1;
    input.data[i] = static_cast<float>(i % 2 == 0 ? t * 10 : t * t * t * 1e6);
  }
  for (const TargetOptions &target : runnable_targets()) {
    std::string cpu = target.triple + " " + target.cpu;
    CompiledModule compiled(module, target);
    Environment environment;
    std::vector<Tensor> output = compiled.run("f", {input}, environment);
    for (int64_t i = 0; i < count; ++i) {
      ASSERT_NEAR(output[0].data[i], std::sin(input.data[i]), 2e-7) << cpu << " " << input.data[i];
      ASSERT_NEAR(output[1].data[i], std::cos(input.data[i]), 2e-7) << cpu << " " << input.data[i];
    }
  }
}

}  // namespace
}  // namespace netc::test
