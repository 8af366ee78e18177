// What bf16 does to a whole training step: gradients keep their direction, and the loss and
// all that outlives a call stays f32.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/evaluator.h"
#include "ir/op.h"
#include "passes/passes.h"
#include "test/unit/passes/network.h"

namespace netc {
namespace {

Module planned(Precision precision) {
  Module module = convolutional_network();
  module.precision = precision;
  auto done = run_pipeline(module, {.verify_each = true});
  EXPECT_TRUE(done) << done.error().message;
  return module;
}

// Everything a step leaves behind, with Adam's moments zero before: the first one is a tenth of the gradient.
Environment after_step(const Module &module) {
  const Function &function = *module.find_function("train_step");
  Environment environment;
  environment.batch = 4;
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (const Weight &weight : module.weights) {
    if (weight.name.starts_with("prepared.")) continue;
    Tensor tensor = Tensor::zeros(weight.type.dtype, sizes_at(weight.type.shape, 1));
    bool moment = weight.name.starts_with("adam"), scale = weight.name.ends_with("gamma");
    for (double &x : tensor.data) x = moment ? 0 : scale ? 1 : 0.1 * normal(random);
    environment.weights[weight.name] = tensor;
  }
  for (const Op &op : function.ops)
    if (op.def->name == "runtime_value") environment.runtime_values[op.get<std::string>("name")] = 0.125;
  std::vector<Tensor> inputs;
  for (ValueId argument : function.arguments) {
    inputs.push_back(Tensor::zeros(function.type(argument).dtype, sizes_at(function.type(argument).shape, 4)));
    bool classes = is_integer(inputs.back().dtype);
    for (double &x : inputs.back().data) x = classes ? static_cast<double>(random() % 10) : normal(random);
  }
  EXPECT_TRUE(evaluate(module, function, inputs, environment));
  return environment;
}

TEST(MixedPrecision, GradientsAreCloseToThoseOfF32) {
  Environment wide = after_step(planned(Precision::f32)), narrow = after_step(planned(Precision::bf16));
  size_t gradients = 0;
  for (const auto &[name, tensor] : wide.weights) {
    if (!name.starts_with("adam.m.")) continue;
    const Tensor &other = narrow.weights.find(name)->second;
    double difference = 0, length = 0;
    for (size_t i = 0; i < tensor.data.size(); ++i) {
      difference += (tensor.data[i] - other.data[i]) * (tensor.data[i] - other.data[i]);
      length += tensor.data[i] * tensor.data[i];
    }
    EXPECT_GT(length, 0) << name;
    // Of images of noise rounding moves a maximum to another place of its window now and then, and its gradient with
    // it.
    EXPECT_LT(std::sqrt(difference), 0.2 * std::sqrt(length)) << name;
    EXPECT_GT(difference, 0) << name;  // or it was not bf16
    ++gradients;
  }
  EXPECT_GE(gradients, 8u);
}

TEST(MixedPrecision, KeepsWhatOutlivesACall) {
  Module module = planned(Precision::bf16);
  for (const Weight &weight : module.weights)
    EXPECT_TRUE(weight.type.dtype == DType::f32 || weight.name.starts_with("prepared.")) << weight.name;
  for (const Function &function : module.functions) {
    for (ValueId result : function.results) EXPECT_NE(function.type(result).dtype, DType::bf16);
    for (const Op &op : function.ops) {
      if (op.body == nullptr) continue;
      for (const Op &inner : op.body->ops) {
        bool sums = inner.def->op_class == OpClass::reduction;
        EXPECT_FALSE(sums && op.body->type(inner.operands[0]).dtype == DType::bf16);
      }
    }
  }
}

// A cast of a kernel in every call would cost a small batch more than it saves.
TEST(MixedPrecision, KernelsAreCastWhenTheyChange) {
  Module module = planned(Precision::bf16);
  ASSERT_NE(module.find_function("prepare"), nullptr);
  for (const Op &op : module.find_function("predict")->ops) {
    if (op.body == nullptr) continue;
    for (const Op &inner : op.body->ops) {
      bool casts = inner.def->name == "cast";
      EXPECT_TRUE(!casts || op.body->type(inner.results[0]).shape.at(0).batch) << "a weight is cast in every call";
    }
  }
}

}  // namespace
}  // namespace netc
