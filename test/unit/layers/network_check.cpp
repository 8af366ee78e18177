#include "test/unit/layers/network_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "passes/passes.h"
#include "test/unit/codegen/harness.h"
#include "test/unit/frontend/elaborate_support.h"
#include "test/unit/training_values.h"

namespace netc::test {
namespace {

constexpr double kStep = 1e-5;               // of the central differences
constexpr double kGradientTolerance = 1e-5;  // of the relative or the absolute error
constexpr double kCompiledTolerance = 2e-4;  // f32 against f64
constexpr size_t kEntriesPerWeight = 4;

Environment environment_for(int64_t batch) {
  Environment environment;
  environment.batch = batch;
  environment.seed = 7;
  environment.step = 3;
  environment.runtime_values = training_values(3);
  return environment;
}

// The weights that `init` gives, moved a little: zeros and ones hide mistakes.
void initialise(const Module &module, Environment &environment) {
  auto done = evaluate(module, *module.find_function("init"), {}, environment);
  ASSERT_TRUE(done) << done.error().message;
  uint64_t seed = 100;
  for (const Weight &weight : module.weights) {
    if (!weight.trainable) continue;
    Tensor &value = environment.weights[weight.name];
    Tensor noise = random_tensor(weight.type, 1, seed++);
    for (size_t i = 0; i < value.data.size(); ++i)
      value.data[i] = static_cast<float>(value.data[i] + 0.05 * noise.data[i]);
  }
}

// Inputs as random numbers, classes from 0 to 2, sample weights near 1.
std::vector<Tensor> inputs_for(const Function &function, int64_t batch) {
  std::vector<Tensor> inputs;
  uint64_t seed = 1;
  for (ValueId argument : function.arguments) {
    const Value &value = function.value(argument);
    Tensor tensor = random_tensor(value.type, batch, seed++);
    if (is_integer(value.type.dtype))
      for (double &number : tensor.data) number = std::fmod(std::fabs(number), 3);
    if (value.name.find("sample_weight") != std::string::npos)
      for (double &number : tensor.data) number = static_cast<float>(1 + 0.1 * number);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

bool close(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::fabs(a - b) <= tolerance * std::max({1.0, std::fabs(a), std::fabs(b)});
}

void check_gradients(const Module &module, int64_t batch) {
  const Function &function = *module.find_function("gradcheck");
  Environment environment = environment_for(batch);
  initialise(module, environment);
  std::vector<Tensor> inputs = inputs_for(function, batch);
  auto analytic = evaluate(module, function, inputs, environment);
  ASSERT_TRUE(analytic) << analytic.error().message;
  size_t result = 1;
  for (const Weight &weight : module.weights) {
    if (!weight.trainable) continue;
    const Tensor &gradient = (*analytic)[result++];
    size_t count = gradient.data.size();
    for (size_t k = 0; k < std::min(count, kEntriesPerWeight); ++k) {
      size_t entry = (k * 7919 + 3) % count;
      auto loss_at = [&](double offset) {
        Environment moved = environment;
        moved.weights[weight.name].data[entry] += offset;
        return (*evaluate(module, function, inputs, moved))[0].data[0];
      };
      double numeric = (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
      EXPECT_TRUE(close(gradient.data[entry], numeric, kGradientTolerance))
          << weight.name << "[" << entry << "]: analytic " << gradient.data[entry] << ", numeric " << numeric;
    }
  }
}

void expect_close(const std::string &what, const Tensor &compiled, const Tensor &expected) {
  ASSERT_EQ(compiled.data.size(), expected.data.size()) << what;
  for (size_t i = 0; i < expected.data.size(); ++i)
    if (!close(compiled.data[i], expected.data[i], kCompiledTolerance)) {
      ADD_FAILURE() << what << "[" << i << "]: compiled " << compiled.data[i] << ", evaluated " << expected.data[i];
      return;
    }
}

void check_compiled(const Module &reference, CompiledModule &compiled, const std::string &name, int64_t batch) {
  SCOPED_TRACE(name + ", batch " + std::to_string(batch));
  const Function &function = *reference.find_function(name);
  Environment expected_environment = environment_for(batch);
  initialise(reference, expected_environment);
  Environment compiled_environment = expected_environment;
  std::vector<Tensor> inputs = inputs_for(function, batch);
  auto expected = evaluate(reference, function, inputs, expected_environment);
  ASSERT_TRUE(expected) << expected.error().message;
  if (compiled.has("prepare")) compiled.run("prepare", {}, compiled_environment);
  std::vector<Tensor> results = compiled.run(name, inputs, compiled_environment);
  for (size_t i = 0; i < expected->size(); ++i) expect_close(function.result_names[i], results[i], (*expected)[i]);
  for (const auto &[weight, value] : expected_environment.weights)
    expect_close(weight, compiled_environment.weights[weight], value);
}

}  // namespace

void check_network(const std::string &text, const std::vector<TargetOptions> &targets) {
  SCOPED_TRACE(text);
  auto elaborated = elaborate_text(text);
  ASSERT_TRUE(elaborated->program) << elaborated->messages();
  Module reference = elaborated->program->module;
  PassOptions differentiate;
  differentiate.stop_before = "remove-dropout";
  ASSERT_TRUE(run_pipeline(reference, differentiate));

  Module planned = elaborated->program->module;
  std::erase_if(planned.functions, [](const Function &f) { return f.name != "train_step" && f.name != "predict"; });
  PassOptions all;
  all.verify_each = true;
  auto ran = run_pipeline(planned, all);
  ASSERT_TRUE(ran) << ran.error().message;
  for (int64_t batch : {1, 3}) check_gradients(reference, batch);
  for (const TargetOptions &target : targets) {
    SCOPED_TRACE(target.triple + " " + target.cpu);
    CompiledModule compiled(planned, target);
    for (int64_t batch : {1, 3}) {
      check_compiled(reference, compiled, "train_step", batch);
      check_compiled(reference, compiled, "predict", batch);
    }
  }
}

}  // namespace netc::test
