// Initial weights are spread as those of Keras are: the same mean, standard deviation and limits; orthogonal ones are.
#include <gtest/gtest.h>

#include <cmath>

#include "passes/passes.h"
#include "test/unit/case_name.h"
#include "test/unit/codegen/harness.h"
#include "test/unit/frontend/elaborate_support.h"
#include "test/unit/keras/comparison.h"

namespace netc::test {
namespace {

using nlohmann::json;

// How far the mean and the standard deviation of a sample may be off, in standard errors.
constexpr double kStandardErrors = 5;
// A sample of thousands of uniform numbers comes this near to the limits.
constexpr double kNearTheLimit = 0.99;

std::string program_with(const json &one) {
  return "network n(x: f32[1]) -> f32[1] { x -> holder }\nblock holder(x: tensor) {\n  weight kernel: f32" +
         one["shape"].dump() + " = " + one["initializer"].get<std::string>() + "\n  x + sum_of(kernel)\n}\n";
}

// The weight as the evaluator draws it; compiled code must draw the same.
std::vector<double> drawn(const json &one) {
  auto elaborated = elaborate_text(program_with(one));
  if (!elaborated->program) throw std::runtime_error(elaborated->messages());
  const Module &module = elaborated->program->module;
  Environment environment;
  environment.seed = 42;
  Environment compiled_environment = environment;
  if (auto done = evaluate(module, *module.find_function("init"), {}, environment); !done)
    throw std::runtime_error(done.error().message);
  std::vector<double> values = environment.weights["holder.kernel"].data;
  if (one.contains("gain")) return values;  // the runtime computes orthogonal matrices

  Module planned = module;
  std::erase_if(planned.functions, [](const Function &f) { return f.name != "init"; });
  if (auto done = run_pipeline(planned, {}); !done) throw std::runtime_error(done.error().message);
  CompiledModule compiled(planned, best_target());
  compiled.run("init", {}, compiled_environment);
  const std::vector<double> &compiled_values = compiled_environment.weights["holder.kernel"].data;
  EXPECT_EQ(compiled_values.size(), values.size());
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i)
    worst = std::max(worst, std::fabs(values[i] - compiled_values[i]) / std::max(1.0, std::fabs(values[i])));
  EXPECT_LE(worst, 2e-6);
  return values;
}

void expect_spread(const std::vector<double> &values, const json &one) {
  auto count = static_cast<double>(values.size());
  double mean = 0, square = 0, fourth = 0, furthest = 0, centre = one["mean"], stddev = one["stddev"];
  for (double value : values) mean += value / count;
  for (double value : values) {
    square += (value - mean) * (value - mean) / count;
    fourth += std::pow(value - mean, 4) / count;
    furthest = std::max(furthest, std::fabs(value - centre));
  }
  EXPECT_NEAR(mean, centre, kStandardErrors * stddev / std::sqrt(count));
  // The standard error of a sample's variance is sqrt((fourth moment - variance^2) / n).
  EXPECT_NEAR(square, stddev * stddev, kStandardErrors * std::sqrt(std::max(0.0, fourth - square * square) / count));
  if (one["limit"].is_null()) return;
  double limit = one["limit"];
  EXPECT_LE(furthest, limit * (1 + 1e-6));
  EXPECT_GE(furthest, limit * kNearTheLimit);
}

void expect_orthogonal(const std::vector<double> &values, const json &one) {
  double gain = one["gain"];
  size_t columns = one["shape"].back().get<size_t>(), rows = values.size() / columns;
  size_t count = std::min(rows, columns), length = std::max(rows, columns);
  auto entry = [&](size_t i, size_t k) { return rows < columns ? values[i * columns + k] : values[k * columns + i]; };
  double worst = 0;
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j <= i; ++j) {
      double product = 0;
      for (size_t k = 0; k < length; ++k) product += entry(i, k) * entry(j, k);
      worst = std::max(worst, std::fabs(product - (i == j ? gain * gain : 0)));
    }
  EXPECT_LE(worst, 1e-6);
}

class Initializer : public testing::TestWithParam<Comparison> {};
TEST_P(Initializer, GivesWhatItGivesInKeras) {
  const json &one = case_of(GetParam());
  std::vector<double> values = drawn(one);
  if (one.contains("values"))
    EXPECT_EQ(values, one["values"].get<std::vector<double>>());
  else if (one.contains("gain"))
    expect_orthogonal(values, one);
  else
    expect_spread(values, one);
}

INSTANTIATE_TEST_SUITE_P(Initializers, Initializer, testing::ValuesIn(comparisons("initializers")), named_by_case);

}  // namespace
}  // namespace netc::test
