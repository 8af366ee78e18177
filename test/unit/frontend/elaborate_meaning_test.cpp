// What elaborated functions compute and what the metadata says, on networks small enough to know by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ir/evaluator.h"
#include "ir/op.h"
#include "test/unit/frontend/elaborate_support.h"

namespace netc::test {
namespace {

// The loss of one sample of a network that gives its input, and the values of its metrics.
std::vector<double> measure(const std::string &network, const std::string &train, std::vector<double> input,
                            DType target_type, std::vector<double> target, int64_t batch = 1) {
  auto result = elaborate_text(experiment(network, "optimizer = sgd " + train));
  EXPECT_EQ(result->diagnostics.error_count(), 0u) << result->messages();
  if (!result->program) return {};
  const Module &module = result->program->module;
  Environment environment;
  environment.batch = batch;
  auto run = [&](const char *name, const std::vector<Tensor> &inputs) {
    auto values = evaluate(module, *module.find_function(name), inputs, environment);
    EXPECT_TRUE(values) << (values ? "" : values.error().message);
    return values ? *values : std::vector<Tensor>{};
  };
  const Function &function = *module.find_function("evaluate");
  std::vector<Tensor> inputs{{DType::f32, sizes_at(function.type(function.arguments[0]).shape, batch), input},
                             {target_type, sizes_at(function.type(function.arguments[1]).shape, batch), target},
                             {DType::f32, {batch}, std::vector<double>(static_cast<size_t>(batch), 1.0)}};
  auto sums = run("evaluate", inputs);
  if (sums.size() < 2) return {};
  std::vector<double> values{sums[0].data[0] / static_cast<double>(batch)};
  for (const Tensor &metric : run("metrics", {sums.begin() + 2, sums.end()})) values.push_back(metric.data[0]);
  return values;
}

double loss_of(const std::string &loss, std::vector<double> output, std::vector<double> target) {
  auto values =
      measure("(x: f32[2]) -> f32[2] { x * 1.0 }", "loss = " + loss + " metrics = []", output, DType::f32, target);
  return values.empty() ? NAN : values[0];
}

TEST(Meaning, Losses) {
  EXPECT_NEAR(loss_of("mse", {1, 3}, {0, 1}), 2.5, 1e-9);
  EXPECT_NEAR(loss_of("mae", {1, 3}, {0, 1}), 1.5, 1e-9);
  EXPECT_NEAR(loss_of("mape", {1, 3}, {2, 1}), 125, 1e-6);
  EXPECT_NEAR(loss_of("huber", {0.5, 3}, {0, 1}), (0.125 + 1.5) / 2, 1e-9);
  EXPECT_NEAR(loss_of("log_cosh", {1, 3}, {0, 1}), (std::log(std::cosh(1)) + std::log(std::cosh(2))) / 2, 1e-9);
  EXPECT_NEAR(loss_of("binary_crossentropy", {0.25, 0.5}, {1, 0}), -(std::log(0.25) + std::log(0.5)) / 2, 1e-9);
  EXPECT_NEAR(loss_of("binary_crossentropy(from_logits = true)", {2, -1}, {1, 1}),
              (std::log1p(std::exp(-2)) + std::log1p(std::exp(1))) / 2, 1e-9);
  EXPECT_NEAR(loss_of("hinge", {0.5, -2}, {1, 1}), (0.5 + 3) / 2, 1e-9);
  EXPECT_NEAR(loss_of("kl_divergence", {0.25, 0.75}, {0.5, 0.5}), 0.5 * std::log(2) + 0.5 * std::log(2.0 / 3), 1e-6);
  EXPECT_NEAR(loss_of("cosine_similarity", {3, 4}, {1, 0}), -0.6, 1e-6);
  EXPECT_NEAR(loss_of("dice", {0.5, 0.5}, {1, 0}), 0.5, 1e-6);
}

TEST(Meaning, ClassesFromLogits) {
  auto values = measure("(x: f32[3]) -> class[3] { x * 1.0 }",
                        "loss = sparse_categorical_crossentropy(from_logits = true) metrics = [accuracy, top_k(2), "
                        "precision, recall, confusion_matrix]",
                        {1, 2, 3, 0, 5, 0, 2, 1, 0}, DType::i32, {1, 1, 0}, 3);
  ASSERT_EQ(values.size(), 6u);
  double expected = std::log(std::exp(-1) + 1 + std::exp(1)) + std::log(1 + 2 * std::exp(-5)) +
                    std::log(1 + std::exp(-1) + std::exp(-2));
  EXPECT_NEAR(values[0], expected / 3, 1e-9);
  EXPECT_NEAR(values[1], 2.0 / 3, 1e-9);
  EXPECT_NEAR(values[2], 1.0, 1e-9);
  EXPECT_NEAR(values[3], (1 + 1 + 0) / 3.0, 1e-9);
  EXPECT_NEAR(values[4], (1 + 0.5 + 0) / 3.0, 1e-9);
  EXPECT_NEAR(values[5], 2.0 / 3, 1e-9);
}

TEST(Meaning, RegressionMetrics) {
  auto values = measure("(x: f32[1]) -> f32[1] { x * 1.0 }", "loss = mse metrics = [mae, rmse, r2]", {1, 2, 3, 5},
                        DType::f32, {1, 2, 3, 4}, 4);
  ASSERT_EQ(values.size(), 4u);
  EXPECT_NEAR(values[1], 0.25, 1e-9);
  EXPECT_NEAR(values[2], 0.5, 1e-9);
  EXPECT_NEAR(values[3], 1 - 1.0 / 5, 1e-9);
}

TEST(Meaning, AreaUnderTheCurve) {
  auto values = measure("(x: f32[1]) -> class[2] { x * 1.0 }", "loss = binary_crossentropy metrics = [auc]",
                        {0.1, 0.4, 0.35, 0.8}, DType::i32, {0, 0, 1, 1}, 4);
  ASSERT_EQ(values.size(), 2u);
  EXPECT_NEAR(values[1], 0.75, 1e-6);
}

std::vector<std::string> weight_names(const Elaborated &result) {
  std::vector<std::string> names;
  for (const Weight &weight : result.program->module.weights) names.push_back(weight.name);
  return names;
}

TEST(Meaning, WeightsAreNamedAsInKeras) {
  auto result = elaborate_text(experiment(
      "(x: f32[4]) -> class[3] { x -> dense(4) -> two -> two -> dense(5, use_bias = false) -> dense(3) as head }",
      "optimizer = sgd(momentum = 0.9)",
      "block two(x) { x -> dense(4, use_bias = false) -> batch_norm(scale = false, center = false) }"));
  ASSERT_TRUE(result->program) << result->messages();
  EXPECT_EQ(
      weight_names(*result),
      (std::vector<std::string>{"dense.kernel", "dense.bias", "two.dense.kernel", "two.batch_norm.moving_mean",
                                "two.batch_norm.moving_variance", "two_1.dense.kernel", "two_1.batch_norm.moving_mean",
                                "two_1.batch_norm.moving_variance", "dense_1.kernel", "head.kernel", "head.bias",
                                "sgd.velocity.dense.kernel", "sgd.velocity.dense.bias", "sgd.velocity.two.dense.kernel",
                                "sgd.velocity.two_1.dense.kernel", "sgd.velocity.dense_1.kernel",
                                "sgd.velocity.head.kernel", "sgd.velocity.head.bias"}));
  EXPECT_EQ(result->metadata()["weights"][3]["role"], "state");
  EXPECT_EQ(result->metadata()["weights"][11]["role"], "optimizer");
}

TEST(Meaning, FrozenStepsKeepTheirWeights) {
  auto result =
      elaborate_text(experiment("(x: f32[4]) -> class[3] { x -> dense(4) -> batch_norm -> relu as stem -> dense(3) }",
                                "optimizer = sgd freeze = [stem]"));
  ASSERT_TRUE(result->program) << result->messages();
  for (const Weight &weight : result->program->module.weights)
    EXPECT_EQ(weight.trainable, weight.name.starts_with("dense_1")) << weight.name;
  for (const Op &op : result->program->module.find_function("train_step")->ops)
    if (op.def->name == "write") {
      EXPECT_TRUE(op.get<std::string>("weight").starts_with("dense_1"));
    }
}

std::vector<std::string> trained_weights(const std::string &train) {
  auto result = elaborate_text(experiment(
      "(x: f32[4]) -> class[3] { x -> encoder -> encoder -> dense(4) as stem -> relu -> dense(3) as head }", train,
      "param frozen = 1\nblock encoder(x) { x -> dense(4, use_bias = false) -> batch_norm -> relu }"));
  EXPECT_TRUE(result->program) << result->messages();
  std::vector<std::string> names;
  if (result->program)
    for (const Weight &weight : result->program->module.weights)
      if (weight.trainable) names.push_back(weight.name);
  return names;
}

TEST(Meaning, FreezeTakesBlocksPartsPatternsAndBranches) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(trained_weights("optimizer = sgd freeze = [encoder, encoder_1.dense, stem]"),
            (Names{"encoder_1.batch_norm.gamma", "encoder_1.batch_norm.beta", "head.kernel", "head.bias"}));
  EXPECT_EQ(trained_weights("optimizer = sgd freeze = [\"encoder*\", head.bias]"),
            (Names{"stem.kernel", "stem.bias", "head.kernel"}));
  EXPECT_EQ(trained_weights("optimizer = sgd freeze = [\"*.batch_norm\", \"*.bias\", encoder, stem]"),
            (Names{"encoder_1.dense.kernel", "head.kernel"}));
  EXPECT_EQ(trained_weights("optimizer = sgd freeze = if frozen == 1 { [encoder, encoder_1] } else { [head] }"),
            (Names{"stem.kernel", "stem.bias", "head.kernel", "head.bias"}));
}

TEST(Meaning, FrozenStatisticsStayWhateverNamedThem) {
  for (const char *named : {"encoder.batch_norm", "\"*.batch_norm\"", "encoder", "\"enc*\""}) {
    auto result = elaborate_text(experiment("(x: f32[4]) -> class[3] { x -> encoder -> dense(3) }",
                                            std::string("optimizer = sgd freeze = [") + named + "]",
                                            "block encoder(x) { x -> dense(4) -> batch_norm }"));
    ASSERT_TRUE(result->program) << result->messages();
    for (const Op &op : result->program->module.find_function("train_step")->ops)
      if (op.def->name == "write") {
        EXPECT_EQ(op.get<std::string>("weight").find("batch_norm"), std::string::npos) << named;
      }
  }
}

TEST(Meaning, ParamsThatDecideShapesAreFixed) {
  FrontendOptions options;
  options.defines["width"] = "6";
  auto result = elaborate_text(
      experiment("(x: f32[4]) -> class[3] { x -> dense(2 * width) -> dropout(rate) -> dense(3) }",
                 "optimizer = sgd(learning_rate = lr)",
                 "param width = 3 in {3, 6}\nparam rate = 0.2 in 0.1 .. 0.5\nparam lr = 0.1 in log 1e-3 .. 1"),
      options);
  ASSERT_TRUE(result->program) << result->messages();
  EXPECT_EQ(to_string(result->program->module.weights[0].type), "f32[4, 12]");
  for (const auto &param : result->metadata()["parameters"])
    EXPECT_EQ(param["runtime"], param["name"] != "width") << param.dump();
  EXPECT_EQ(result->metadata()["parameters"][0]["space"]["kind"], "choice");
  EXPECT_EQ(result->metadata()["parameters"][2]["space"]["kind"], "range");
}

TEST(Meaning, ParamsMayBeBlocks) {
  FrontendOptions options;
  options.defines["unit"] = "tanh";
  std::string text =
      experiment("(x: f32[4]) -> class[3] { x -> dense(2, activation = unit) -> dense(3) }",
                 "optimizer = rule(learning_rate = 0.1) callbacks = if rule == sgd { [terminate_on_nan] }",
                 "param unit = relu in {relu, tanh}\nparam rule = sgd in {sgd, adam} if unit != relu");
  auto result = elaborate_text(text, options);
  ASSERT_TRUE(result->program) << result->messages();
  EXPECT_EQ(result->messages(), "");
  const auto &parameters = result->metadata()["parameters"];
  EXPECT_EQ(parameters[0]["value"], "tanh");
  EXPECT_EQ(parameters[0]["space"]["values"].dump(), R"(["relu","tanh"])");
  EXPECT_EQ(parameters[1]["condition"].dump(), R"({"op":"!=","operands":[{"param":"unit"},"relu"]})");
  EXPECT_EQ(result->metadata()["train"]["callbacks"].size(), 1u);
  const auto &ops = result->program->module.find_function("predict")->ops;
  EXPECT_TRUE(std::any_of(ops.begin(), ops.end(), [](const Op &op) { return op.def->name == "tanh"; }));

  options.defines["unit"] = "tnh";
  EXPECT_NE(elaborate_text(text, options)->messages().find("-D unit=tnh: the param is the block relu"),
            std::string::npos);
}

TEST(Meaning, ConditionsOfSpacesAreTrees) {
  auto result = elaborate_text(experiment("(x: f32[4]) -> class[3] { x -> dense(width) -> dropout(rate) -> dense(3) }",
                                          "optimizer = sgd",
                                          "param width = 3 in {3, 6}\nparam noisy = true in {true, false}\n"
                                          "param rate = 0 in 0.1 .. 0.5 if noisy and 4 < width"));
  ASSERT_TRUE(result->program) << result->messages();
  const auto &parameters = result->metadata()["parameters"];
  EXPECT_TRUE(parameters[0]["condition"].is_null());
  EXPECT_EQ(parameters[2]["condition"].dump(),
            R"({"op":"and","operands":[{"param":"noisy"},{"op":"<","operands":[4,{"param":"width"}]}]})");
  EXPECT_EQ(parameters[2]["kind"], "real");  // though its value is written without a point
}

TEST(Meaning, InitialValuesHaveTheVarianceOfTheirScheme) {
  auto result =
      elaborate_text(experiment("(x: f32[100]) -> f32[200] { x -> dense(200, kernel_initializer = he_normal) }"));
  ASSERT_TRUE(result->program) << result->messages();
  const Module &module = result->program->module;
  Environment environment;
  ASSERT_TRUE(evaluate(module, *module.find_function("init"), {}, environment));
  double sum = 0, squares = 0;
  const auto &kernel = environment.weights.find("dense.kernel")->second.data;
  for (double w : kernel) sum += w, squares += w * w;
  double n = static_cast<double>(kernel.size());
  EXPECT_NEAR(sum / n, 0, 0.01);
  EXPECT_NEAR(squares / n, 2.0 / 100, 0.002);
}

}  // namespace
}  // namespace netc::test
