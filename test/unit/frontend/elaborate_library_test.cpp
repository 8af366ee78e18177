// Every block of the standard library elaborates in a small network, for prediction and training, into a sound module.
#include <gtest/gtest.h>

#include <fstream>

#include "ir/verifier.h"
#include "test/unit/case_name.h"
#include "test/unit/frontend/elaborate_support.h"

namespace netc::test {
namespace {

void expect_sound(const std::string &text) {
  SCOPED_TRACE(text);
  auto result = elaborate_text(text);
  EXPECT_EQ(result->messages(), "");
  ASSERT_TRUE(result->program);
  for (const std::string &problem : verify(result->program->module)) ADD_FAILURE() << problem;
}

class Layer : public testing::TestWithParam<const char *> {};
TEST_P(Layer, Elaborates) {
  expect_sound(
      experiment("(x: f32[8, 8, 4]) -> class[3] { x -> " + std::string(GetParam()) + " -> flatten -> dense(3) }"));
}
INSTANTIATE_TEST_SUITE_P(
    Image, Layer,
    testing::Values("conv2d(5, 3)", "conv2d(8, [3, 5], strides = 2, padding = same, groups = 2, activation = relu)",
                    "conv2d(4, 3, dilation_rate = 2, use_bias = false, kernel_regularizer = l1_l2(1e-4, 1e-4))",
                    "conv2d(4, 1, kernel_constraint = max_norm(3), activity_regularizer = l2(1e-3))",
                    "depthwise_conv2d(3, depth_multiplier = 2, padding = same)", "separable_conv2d(6, 3)",
                    "conv2d_transpose(3, 3, strides = 2, padding = same)", "conv2d_transpose(3, 2, strides = 3)",
                    "conv2d_transpose(3, 4, strides = 2)", "max_pool2d", "max_pool2d(3, strides = 2, padding = same)",
                    "average_pool2d(2)", "global_average_pooling2d", "global_max_pooling2d(keepdims = true)",
                    "batch_norm", "batch_norm(center = false, scale = false)", "layer_norm", "rms_norm",
                    "unit_norm_layer", "dropout(0.3)", "spatial_dropout2d(0.2)", "gaussian_noise(0.1)",
                    "gaussian_dropout(0.2)", "alpha_dropout(0.1)", "zero_padding2d([[1, 2], [0, 1]])", "zero_padding2d",
                    "cropping2d(1)", "up_sampling2d", "reshape([16, -1])", "permute([3, 1, 2])",
                    "activity_regularization(l2 = 1e-3)"),
    named_by_text);
INSTANTIATE_TEST_SUITE_P(Activation, Layer,
                         testing::Values("relu", "relu(negative_slope = 0.1, max_value = 6, threshold = 0.5)", "relu6",
                                         "leaky_relu", "prelu", "prelu(shared_axes = [1, 2])", "elu", "selu", "celu",
                                         "gelu", "gelu(approximate = true)", "silu", "swish", "mish", "softplus",
                                         "softsign", "tanh", "hard_tanh", "sigmoid", "hard_sigmoid", "hard_silu",
                                         "log_sigmoid", "exponential", "softmax", "log_softmax", "linear",
                                         "activation(relu)"),
                         named_by_text);
INSTANTIATE_TEST_SUITE_P(
    Initializer, Layer,
    testing::Values(
        "conv2d(2, 3, kernel_initializer = zeros)", "conv2d(2, 3, kernel_initializer = ones)",
        "conv2d(2, 3, kernel_initializer = constant(0.1))",
        "conv2d(2, 3, kernel_initializer = random_normal(stddev = 0.1))",
        "conv2d(2, 3, kernel_initializer = random_uniform)", "conv2d(2, 3, kernel_initializer = truncated_normal)",
        "conv2d(2, 3, kernel_initializer = variance_scaling(2.0, fan_out, uniform))",
        "conv2d(2, 3, kernel_initializer = variance_scaling(distribution = untruncated_normal))",
        "conv2d(2, 3, kernel_initializer = glorot_normal)", "conv2d(2, 3, kernel_initializer = he_uniform)",
        "conv2d(2, 3, kernel_initializer = lecun_normal)", "conv2d(2, 3, kernel_initializer = lecun_uniform)",
        "conv2d(2, 3, kernel_initializer = orthogonal(2.0))", "conv2d(2, 3, kernel_constraint = non_neg)",
        "conv2d(2, 3, kernel_constraint = unit_norm)", "conv2d(2, 3, kernel_constraint = min_max_norm(0.1, 2.0))",
        "flatten -> dense(256, kernel_initializer = identity, kernel_regularizer = orthogonal_regularizer(0.1))"),
    named_by_text);

class Merge : public testing::TestWithParam<const char *> {};
TEST_P(Merge, Elaborates) {
  expect_sound(experiment("(x: f32[4], z: f32[4]) -> f32[2] { " + std::string(GetParam()) + " -> dense(2) }"));
}
INSTANTIATE_TEST_SUITE_P(All, Merge,
                         testing::Values("[x, z] -> add", "add(x, z)", "subtract(x, z)", "[x, z] -> multiply",
                                         "[x, z, x] -> average", "maximum(x, z)", "[x, z] -> minimum",
                                         "[x, z] -> concatenate"),
                         named_by_text);

class Training : public testing::TestWithParam<const char *> {};
TEST_P(Training, Elaborates) { expect_sound(experiment("(x: f32[4]) -> class[3] { x -> dense(3) }", GetParam())); }
INSTANTIATE_TEST_SUITE_P(Optimizer, Training,
                         testing::Values("optimizer = sgd",
                                         "optimizer = sgd(0.1, momentum = 0.9, nesterov = true, weight_decay = 1e-4)",
                                         "optimizer = rmsprop(momentum = 0.9, centered = true)",
                                         "optimizer = adam(amsgrad = true, clipnorm = 1.0)",
                                         "optimizer = adamw(clipvalue = 0.5)", "optimizer = adamax",
                                         "optimizer = nadam", "optimizer = adagrad", "optimizer = adadelta",
                                         "optimizer = lion", "optimizer = lamb(global_clipnorm = 1.0)",
                                         "optimizer = ftrl(l1_regularization_strength = 0.1)", "optimizer = adafactor",
                                         "optimizer = muon(exclude_layers = [\"dense\"])"),
                         named_by_text);
INSTANTIATE_TEST_SUITE_P(
    Schedule, Training,
    testing::Values("optimizer = sgd(learning_rate = constant(0.1))",
                    "optimizer = sgd(learning_rate = exponential(0.1, 5 epochs, 0.5))",
                    "optimizer = sgd(learning_rate = exponential(0.1, 50, 0.5, staircase = true))",
                    "optimizer = sgd(learning_rate = inverse_time(0.1, 100 steps, 0.5))",
                    "optimizer = sgd(learning_rate = piecewise([10 epochs, 200 steps], [0.1, 0.01, 0.001]))",
                    "optimizer = sgd(learning_rate = polynomial(0.1, 5 epochs, power = 2))",
                    "optimizer = sgd(learning_rate = cosine(0.1))",
                    "optimizer = sgd(learning_rate = cosine(0.1, warmup = 2 epochs))",
                    "optimizer = sgd(learning_rate = cosine_restarts(0.1, 100))",
                    "optimizer = sgd(learning_rate = cosine_restarts(0.1, 100, t_mul = 1))",
                    "optimizer = sgd(learning_rate = warmup(exponential(0.1, 5 epochs, 0.5), 100))",
                    "optimizer = sgd(learning_rate = one_cycle(0.1))"),
    named_by_text);
INSTANTIATE_TEST_SUITE_P(
    Metric, Training,
    testing::Values("optimizer = sgd metrics = [accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k(2)]",
                    "optimizer = sgd metrics = [precision, recall(average = micro), f1(average = weighted), mean_iou, "
                    "confusion_matrix]",
                    "optimizer = sgd metrics = [mse, mae, rmse, r2, kl_divergence]",
                    "optimizer = sgd loss = categorical_focal_crossentropy(from_logits = true)",
                    "optimizer = sgd loss = categorical_hinge", "optimizer = sgd loss = focal(from_logits = true)"),
    named_by_text);

class Regression : public testing::TestWithParam<const char *> {};
TEST_P(Regression, Elaborates) {
  expect_sound(experiment("(x: f32[4]) -> f32[2] { x -> dense(2, activation = sigmoid) }",
                          "optimizer = sgd loss = " + std::string(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(Loss, Regression,
                         testing::Values("mse", "mae", "mape", "msle", "huber(2.0)", "log_cosh", "binary_crossentropy",
                                         "binary_focal_crossentropy(apply_class_balancing = true)", "hinge",
                                         "squared_hinge", "kl_divergence", "poisson", "cosine_similarity", "dice",
                                         "tversky"),
                         named_by_text);

TEST(Library, BinaryClassWithOneOutput) {
  expect_sound(experiment(
      "(x: f32[4]) -> class[2] { x -> dense(1) }",
      "optimizer = sgd loss = binary_crossentropy(from_logits = true) metrics = [accuracy, auc, auc(curve = pr), "
      "precision, fbeta_score(beta = 2.0)]"));
}
TEST(Library, Embedding) {
  expect_sound(experiment("(x: i32[7]) -> class[2] { x -> embedding(50, 8) -> flatten -> dense(2) }"));
}
TEST(Library, SeveralOutputs) {
  expect_sound(
      experiment("(x: f32[4]) -> (price: f32[1], kind: class[3]) { h = x -> dense(8) -> relu  price = h -> dense(1)  "
                 "kind = h -> dense(3) }",
                 "optimizer = adam loss = [mse, sparse_categorical_crossentropy(from_logits = true)] metrics = []"));
}

TEST(Library, ReferenceNamesEveryDocumentedBlock) {
  std::string reference = layer_reference();
  for (const char *name : {"### dense", "### conv2d", "### adam", "### cosine", "### early_stopping", "### csv"})
    EXPECT_NE(reference.find(name), std::string::npos) << name;
}

TEST(Library, ReferenceIsFresh) {
  std::filesystem::path folder = std::filesystem::current_path();
  while (!std::filesystem::exists(folder / "docs" / "layers.md") && folder != folder.parent_path())
    folder = folder.parent_path();
  std::ifstream stream(folder / "docs" / "layers.md");
  std::string text((std::istreambuf_iterator<char>(stream)), {});
  EXPECT_EQ(text, layer_reference()) << "write it anew: netc --layers > docs/layers.md";
}

}  // namespace
}  // namespace netc::test
