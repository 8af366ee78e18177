// Layers that disturb their input: the statistics of what they give in training, on 240,000 numbers, and that they are
// not there in inference.
#include <gtest/gtest.h>

#include <map>

#include "ir/evaluator.h"
#include "passes/passes.h"
#include "test/unit/case_name.h"
#include "test/unit/frontend/elaborate_support.h"
#include "test/unit/training_values.h"

namespace netc::test {
namespace {

constexpr int64_t kBatch = 200;
constexpr const char *kMeasures = R"(
block first(y_true: tensor, y_pred: tensor) { sample_mean(y_pred) }
block second(y_true: tensor, y_pred: tensor) { sample_mean(square(y_pred)) }
block zeros_share(y_true: tensor, y_pred: tensor) { sample_mean(cast(y_pred == 0.0, dtype = f32)) }
block within(y_true: tensor, y_pred: tensor) {  # how much the places of a channel differ
  places = ops.reshape(y_pred, shape = [batch, 20, 60])
  mean = reduce_mean(places, axes = [1], keep_dims = true)
  sample_mean(square(places - mean)) * (20.0 / 19.0)
}
)";

struct Disturbed {
  const char *layer;
  const char *shape;
  double mean, second, zeros, within;  // of an input of 2
};

double mean_of(const std::vector<Tensor> &results, const Function &function, const std::string &metric) {
  for (size_t i = 0; i < results.size(); ++i)
    if (function.result_names[i] == "metric." + metric) return results[i].data[0] / results[i].data[1];
  ADD_FAILURE() << "no metric " << metric;
  return 0;
}

// 2 everywhere, so that what varies is the layer's doing.
std::vector<Tensor> inputs_of(const Function &function) {
  std::vector<Tensor> inputs;
  for (ValueId argument : function.arguments) {
    const Value &value = function.value(argument);
    inputs.push_back(Tensor::zeros(value.type.dtype, sizes_at(value.type.shape, kBatch)));
    double number = value.name == "x" ? 2 : value.name == "sample_weight" ? 1 : 0;
    std::fill(inputs.back().data.begin(), inputs.back().data.end(), number);
  }
  return inputs;
}

class Noise : public testing::TestWithParam<Disturbed> {};

TEST_P(Noise, HasItsStatistics) {
  const Disturbed &expected = GetParam();
  std::string network =
      std::string("(x: f32[") + expected.shape + "]) -> f32[" + expected.shape + "] { x -> " + expected.layer + " }";
  auto elaborated = elaborate_text(
      experiment(network, "optimizer = sgd loss = mse metrics = [first, second, zeros_share, within]", kMeasures));
  ASSERT_TRUE(elaborated->program) << elaborated->messages();
  Module module = elaborated->program->module;
  PassOptions differentiate;
  differentiate.stop_before = "remove-dropout";
  ASSERT_TRUE(run_pipeline(module, differentiate));
  Environment environment;
  environment.batch = kBatch;
  environment.seed = 11;
  environment.runtime_values = training_values(0);
  const Function &training = *module.find_function("train_step");
  auto measured = evaluate(module, training, inputs_of(training), environment);
  ASSERT_TRUE(measured) << measured.error().message;
  EXPECT_NEAR(mean_of(*measured, training, "first"), expected.mean, 0.03);
  EXPECT_NEAR(mean_of(*measured, training, "second"), expected.second, 0.08);
  EXPECT_NEAR(mean_of(*measured, training, "zeros_share"), expected.zeros, 0.02);
  EXPECT_NEAR(mean_of(*measured, training, "within"), expected.within, 0.08);

  const Function &inference = *module.find_function("predict");
  auto predicted = evaluate(module, inference, inputs_of(inference), environment);
  ASSERT_TRUE(predicted) << predicted.error().message;
  for (double number : (*predicted)[0].data) ASSERT_EQ(number, 2);
}

// alpha_dropout: a = 1 / sqrt(0.8 * (1 + 0.2 * low^2)), kept elements a * (2 - 0.2 low), dropped ones a * 0.8 low.
constexpr double kLow = -1.7580993408473766, kA = 0.8789035834435328, kKept = kA * (2 - 0.2 * kLow),
                 kDropped = kA * 0.8 * kLow, kAlphaMean = 0.8 * kKept + 0.2 * kDropped,
                 kAlphaSecond = 0.8 * kKept * kKept + 0.2 * kDropped * kDropped;
INSTANTIATE_TEST_SUITE_P(All, Noise,
                         testing::Values(Disturbed{"dropout(0.3)", "1200", 2, 4 / 0.7, 0.3, 4 / 0.7 - 4},
                                         Disturbed{"dropout(0.3, noise_shape = [batch, 1, 60])", "20, 60", 2, 4 / 0.7,
                                                   0.3, 0},
                                         Disturbed{"spatial_dropout1d(0.3)", "20, 60", 2, 4 / 0.7, 0.3, 0},
                                         Disturbed{"spatial_dropout2d(0.2)", "4, 5, 60", 2, 5, 0.2, 0},
                                         Disturbed{"spatial_dropout3d(0.2)", "5, 2, 2, 60", 2, 5, 0.2, 0},
                                         Disturbed{"gaussian_noise(0.5)", "1200", 2, 4.25, 0, 0.25},
                                         Disturbed{"gaussian_dropout(0.2)", "1200", 2, 5, 0, 1},
                                         Disturbed{"alpha_dropout(0.2)", "1200", kAlphaMean, kAlphaSecond, 0,
                                                   kAlphaSecond - kAlphaMean *kAlphaMean}),
                         [](const auto &info) { return case_name(info.param.layer, info.index); });

}  // namespace
}  // namespace netc::test
