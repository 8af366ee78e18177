// A whole network in bf16: what special products make of it is what those of f32 make of the same rounded numbers.
#include <gtest/gtest.h>

#include <cmath>

#include "passes/passes.h"
#include "test/unit/codegen/harness.h"
#include "test/unit/frontend/elaborate_support.h"
#include "test/unit/training_values.h"

namespace netc::test {
namespace {

constexpr int64_t kSamples = 5;

Environment start(const Module &module) {
  Environment environment;
  environment.batch = kSamples;
  environment.seed = 7;
  environment.runtime_values = training_values(3);
  EXPECT_TRUE(evaluate(module, *module.find_function("init"), {}, environment));
  return environment;
}

std::vector<Tensor> inputs_of(const Function &function) {
  std::vector<Tensor> inputs;
  for (ValueId argument : function.arguments) {
    inputs.push_back(random_tensor(function.type(argument), kSamples, inputs.size()));
    if (is_integer(inputs.back().dtype))
      for (double &number : inputs.back().data) number = std::fmod(std::fabs(number), 3);
  }
  return inputs;
}

void expect_close(const Tensor &found, const Tensor &expected, const std::string &what) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < expected.data.size(); ++i) {
    difference += std::pow(found.data[i] - expected.data[i], 2);
    size += std::pow(expected.data[i], 2);
  }
  EXPECT_LE(std::sqrt(difference), 0.02 * std::sqrt(size)) << what;
}

// `prepare` has packed the weights before `predict`.
TEST(Bf16Network, ComputesTheSameOnAllProcessors) {
  std::vector<TargetOptions> targets = bf16_targets();
  if (targets.empty()) GTEST_SKIP() << "this processor does nothing special with bf16";
  auto elaborated = elaborate_text(
      experiment("(x: f32[9, 11, 3]) -> class[3] { x -> conv2d(18, 3, padding = same) -> relu -> conv2d(33, 3, strides "
                 "= 2, padding = same) -> relu -> conv2d(40, 1) -> relu -> depthwise_conv2d(3) -> flatten -> dense(45) "
                 "-> relu -> dense(3) }",
                 "optimizer = sgd(learning_rate = 0.1)\n precision = bf16"));
  ASSERT_TRUE(elaborated->program) << elaborated->messages();
  Module module = elaborated->program->module;
  Environment before = start(module);
  std::erase_if(module.functions, [](const Function &f) { return f.name != "train_step" && f.name != "predict"; });
  ASSERT_TRUE(run_pipeline(module, {.verify_each = true}));
  auto run = [&](CompiledModule &compiled, const char *name, Environment &environment) {
    compiled.run("prepare", {}, environment);
    return compiled.run(name, inputs_of(*module.find_function(name)), environment);
  };
  CompiledModule plain(module, best_target());
  for (const TargetOptions &target : targets) {
    CompiledModule special(module, target);
    for (const char *name : {"predict", "train_step"}) {
      SCOPED_TRACE(target.features + " " + name);
      Environment expected = before, found = before;
      std::vector<Tensor> results = run(plain, name, expected), own = run(special, name, found);
      for (size_t i = 0; i < results.size(); ++i) expect_close(own[i], results[i], std::to_string(i));
      for (const auto &[weight, value] : expected.weights) expect_close(found.weights[weight], value, weight);
    }
  }
}

}  // namespace
}  // namespace netc::test
