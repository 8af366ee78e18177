#include "test/unit/passes/same_meaning.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/evaluator.h"
#include "ir/op.h"
#include "ir/text.h"

namespace netc {
namespace {

Tensor random_tensor(const Type &type, int64_t batch, std::mt19937_64 &random, bool positive) {
  Tensor tensor = Tensor::zeros(type.dtype, sizes_at(type.shape, batch));
  std::uniform_real_distribution<double> real(-1.0, 1.0);
  for (double &x : tensor.data) {
    x = is_float(type.dtype) ? real(random) : static_cast<double>(random() % 2);
    if (positive) x = std::abs(x) + 0.25;
  }
  return tensor;
}

void expect_close(const Tensor &before, const Tensor &after, double tolerance, const std::string &what) {
  ASSERT_EQ(before.sizes, after.sizes) << what;
  for (size_t i = 0; i < before.data.size(); ++i) {
    double a = before.data[i], b = after.data[i];
    if (std::isnan(a) && std::isnan(b)) continue;
    ASSERT_TRUE(a == b || std::abs(a - b) <= tolerance * (1 + std::abs(a)))
        << what << " element " << i << ": " << a << " became " << b;
  }
}

void expect_same_function(const Module &before, const Module &after, const Function &function, int64_t batch,
                          const SameMeaningOptions &options) {
  SCOPED_TRACE("@" + function.name + " with batch " + std::to_string(batch));
  const Function *other = after.find_function(function.name);
  ASSERT_NE(other, nullptr);
  std::mt19937_64 random(options.seed);
  Environment environment;
  environment.batch = batch;
  environment.seed = 7;
  environment.step = 3;
  for (const Weight &weight : before.weights)
    environment.weights[weight.name] =
        random_tensor(weight.type, 1, random, weight.name.find("variance") != std::string::npos);
  for (const Function *f : {&function, other})
    for (const Op &op : f->ops)
      if (op.def->name == "runtime_value") environment.runtime_values[op.get<std::string>("name")] = 0.125;
  std::vector<Tensor> inputs;
  for (ValueId argument : function.arguments)
    inputs.push_back(random_tensor(function.type(argument), batch, random, false));

  Environment environment_after = environment;
  if (const Function *prepare = after.find_function("prepare")) {
    for (const Weight &weight : after.weights)
      if (!environment_after.weights.contains(weight.name))
        environment_after.weights[weight.name] = Tensor::zeros(weight.type.dtype, sizes_at(weight.type.shape, 1));
    auto prepared = evaluate(after, *prepare, {}, environment_after);
    ASSERT_TRUE(prepared) << prepared.error().message;
  }
  auto results = evaluate(before, function, inputs, environment);
  auto results_after = evaluate(after, *other, inputs, environment_after);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_TRUE(results_after) << results_after.error().message;
  ASSERT_EQ(results->size(), results_after->size());
  for (size_t i = 0; i < results->size(); ++i)
    expect_close((*results)[i], (*results_after)[i], options.tolerance, "result " + std::to_string(i));
  for (const auto &[name, weight] : environment.weights)
    expect_close(weight, environment_after.weights.find(name)->second, options.tolerance, "weight " + name);
}

}  // namespace

void expect_same_meaning(const Module &before, const Module &after, const SameMeaningOptions &options) {
  for (const Function &function : before.functions)
    for (int64_t batch : {1, 3}) expect_same_function(before, after, function, batch, options);
}

Module module_from_text(const char *text) {
  SourceMap sources;
  Diagnostics diagnostics;
  FileId file = sources.add("test.nir", text);
  std::optional<Module> module = parse_module(sources, file, diagnostics);
  EXPECT_TRUE(module) << render_text(diagnostics, sources, false);
  return module ? *module : Module{};
}

}  // namespace netc
