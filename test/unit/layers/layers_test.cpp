// Every layer, activation, loss and optimizer of the standard library, from its text to machine code.
#include <gtest/gtest.h>

#include "test/unit/case_name.h"
#include "test/unit/frontend/elaborate_support.h"
#include "test/unit/layers/network_check.h"

namespace netc::test {
namespace {

class Check : public testing::TestWithParam<const char *> {};
using Image = Check;
TEST_P(Image, IsRight) {
  check_network(
      experiment("(x: f32[7, 6, 3]) -> class[3] { x -> " + std::string(GetParam()) + " -> flatten -> dense(3) }"));
}
INSTANTIATE_TEST_SUITE_P(
    Convolution, Image,
    testing::Values("conv2d(5, 3)", "conv2d(6, [3, 5], strides = 2, padding = same, groups = 3, activation = tanh)",
                    "conv2d(17, 1)", "conv2d(4, 3, dilation_rate = 2, use_bias = false)",
                    "conv2d(33, 2, strides = [2, 1], padding = same) -> conv2d(5, 3, padding = same)",
                    "conv2d(4, 1, kernel_regularizer = l1_l2(1e-2, 1e-2), kernel_constraint = max_norm(0.5), "
                    "activity_regularizer = l2(1e-2))",
                    "depthwise_conv2d(3, padding = same)", "depthwise_conv2d(3, depth_multiplier = 2, strides = 2)",
                    "separable_conv2d(6, 3)", "conv2d_transpose(5, 3, strides = 2, padding = same)",
                    "conv2d_transpose(3, 2, strides = 3)", "conv2d_transpose(3, 4)",
                    "conv2d(8, 3, padding = same, use_bias = false) -> batch_norm -> relu -> max_pool2d(2)",
                    "conv2d(9, 3, strides = 2, use_bias = false) -> batch_norm(center = false) -> silu"),
    named_by_text);
INSTANTIATE_TEST_SUITE_P(Shape, Image,
                         testing::Values("max_pool2d", "max_pool2d(3, strides = 2, padding = same)",
                                         "max_pool2d(3, strides = 1)", "average_pool2d(2)",
                                         "average_pool2d(3, strides = 2, padding = same)", "global_average_pooling2d",
                                         "global_max_pooling2d(keepdims = true)", "zero_padding2d([[1, 2], [0, 1]])",
                                         "cropping2d(1)", "up_sampling2d", "reshape([14, -1])", "permute([3, 1, 2])"),
                         named_by_text);
INSTANTIATE_TEST_SUITE_P(Normalization, Image,
                         testing::Values("batch_norm", "batch_norm(center = false, scale = false)", "layer_norm",
                                         "rms_norm", "unit_norm_layer"),
                         named_by_text);
INSTANTIATE_TEST_SUITE_P(Random, Image,
                         testing::Values("dropout(0.3)", "spatial_dropout2d(0.4)", "gaussian_noise(0.1)",
                                         "gaussian_dropout(0.2)", "alpha_dropout(0.1)"),
                         named_by_text);
INSTANTIATE_TEST_SUITE_P(Adaptive, Image,
                         testing::Values("adaptive_average_pooling2d([3, 4])", "adaptive_max_pooling2d([7, 1])",
                                         "group_norm(3)", "conv2d(6, 3) -> group_norm(2)",
                                         "group_norm(-1, center = false)",
                                         "up_sampling2d([2, 3], interpolation = bilinear)", "glu(axis = 2)",
                                         "conv2d_transpose(2, 3, strides = 2, padding = same, output_padding = [1, 0])",
                                         "conv2d_transpose(2, [3, 2], padding = valid, dilation_rate = 2)"),
                         named_by_text);

using Sequence = Check;
TEST_P(Sequence, IsRight) {
  check_network(
      experiment("(x: f32[11, 3]) -> class[3] { x -> " + std::string(GetParam()) + " -> flatten -> dense(3) }"));
}
INSTANTIATE_TEST_SUITE_P(
    Convolution, Sequence,
    testing::Values("conv1d(5, 3)", "conv1d(6, [4], strides = 2, padding = same, groups = 3, activation = tanh)",
                    "conv1d(4, 3, dilation_rate = 3, padding = causal)", "conv1d(2, 2, strides = 3, padding = causal)",
                    "conv1d(17, 13, padding = same, kernel_constraint = max_norm(0.5))",
                    "conv1d(8, 1, use_bias = false) -> batch_norm -> relu", "depthwise_conv1d(3, padding = same)",
                    "depthwise_conv1d(4, depth_multiplier = 2, strides = 2, padding = causal)",
                    "separable_conv1d(6, 3, dilation_rate = 2)", "conv1d_transpose(5, 3, strides = 2, padding = same)",
                    "conv1d_transpose(3, 2, strides = 3)", "conv1d_transpose(3, 4, dilation_rate = 2)",
                    "conv1d_transpose(2, 3, strides = 2, padding = same, output_padding = 1)"),
    named_by_text);
INSTANTIATE_TEST_SUITE_P(Shape, Sequence,
                         testing::Values("max_pool1d", "max_pool1d(3, strides = 2, padding = same)",
                                         "average_pool1d(4)", "average_pool1d(3, strides = 1, padding = same)",
                                         "global_average_pooling1d", "global_max_pooling1d(keepdims = true)",
                                         "adaptive_average_pooling1d(4)", "adaptive_max_pooling1d(3)",
                                         "zero_padding1d([2, 1])", "cropping1d([1, 3])", "up_sampling1d(3)",
                                         "spatial_dropout1d(0.3)", "group_norm(3)"),
                         named_by_text);

using Volume = Check;
TEST_P(Volume, IsRight) {
  check_network(
      experiment("(x: f32[5, 4, 3, 2]) -> class[3] { x -> " + std::string(GetParam()) + " -> flatten -> dense(3) }"));
}
INSTANTIATE_TEST_SUITE_P(
    All, Volume,
    testing::Values("conv3d(3, 2)", "conv3d(4, [3, 2, 3], strides = [2, 1, 2], padding = same, groups = 2)",
                    "conv3d(3, [2, 2, 1], dilation_rate = [3, 2, 1], use_bias = false, activation = relu)",
                    "conv3d(1, 7, padding = same)", "conv3d_transpose(3, 3, strides = 2, padding = same)",
                    "conv3d_transpose(2, [1, 2, 3], strides = [2, 1, 3])",
                    "conv3d_transpose(2, 3, strides = 2, padding = same, output_padding = 1)", "max_pool3d",
                    "max_pool3d([3, 2, 1], strides = [2, 1, 1], padding = same)", "average_pool3d([2, 2, 3])",
                    "average_pool3d(3, strides = 2, padding = same)", "global_average_pooling3d",
                    "global_max_pooling3d(keepdims = true)", "adaptive_average_pooling3d([2, 3, 1])",
                    "adaptive_max_pooling3d(2)", "zero_padding3d([[1, 0], [0, 2], [1, 1]])",
                    "cropping3d([[1, 1], [0, 2], [1, 0]])", "up_sampling3d([1, 2, 3])", "spatial_dropout3d(0.3)",
                    "group_norm(2)", "batch_norm", "layer_norm"),
    named_by_text);

TEST(Network, OfImagesOnEveryTarget) {
  check_network(
      experiment(
          "(x: f32[8, 8, 1]) -> class[10] { x -> conv2d(8, 3, padding = same, use_bias = false) -> batch_norm -> "
          "relu -> max_pool2d(2) -> conv2d(16, 3, padding = same, use_bias = false) -> batch_norm -> relu -> "
          "max_pool2d(2) -> flatten -> dropout(0.25) -> dense(10) }",
          "loss = sparse_categorical_crossentropy(from_logits = true) metrics = [accuracy] optimizer = "
          "adam(learning_rate = 3e-3)"),
      runnable_targets());
}

using Activation = Check;
TEST_P(Activation, IsRight) {
  check_network(
      experiment("(x: f32[5]) -> class[3] { x -> dense(19) -> " + std::string(GetParam()) + " -> dense(3) }"));
}
INSTANTIATE_TEST_SUITE_P(All, Activation,
                         testing::Values("relu", "relu(negative_slope = 0.1, max_value = 6, threshold = 0.5)", "relu6",
                                         "leaky_relu", "prelu", "elu", "selu", "celu", "gelu",
                                         "gelu(approximate = true)", "silu", "mish", "softplus", "softsign", "tanh",
                                         "hard_tanh", "sigmoid", "hard_sigmoid", "hard_silu", "log_sigmoid",
                                         "exponential", "softmax", "log_softmax", "linear", "hard_shrink(0.1)",
                                         "soft_shrink", "tanh_shrink", "threshold(0.2, -1.0)", "squareplus",
                                         "sparse_plus", "sparse_sigmoid"),
                         named_by_text);

using Merge = Check;
TEST_P(Merge, IsRight) {
  check_network(experiment("(x: f32[7], z: f32[7]) -> f32[2] { a = x -> dense(5)  b = z -> dense(5)\n" +
                           std::string(GetParam()) + " -> dense(2) }"));
}
INSTANTIATE_TEST_SUITE_P(
    All, Merge,
    testing::Values("add(a, b)", "subtract(a, b)", "[a, b] -> multiply", "[a, b, a] -> average", "maximum(a, b)",
                    "[a, b] -> minimum", "[a, b] -> concatenate", "dot(a, b)", "dot(a, b, axes = 1, normalize = true)",
                    "[a -> reshape([5, 1]), b -> reshape([1, 5])] -> dot(axes = [1, 2]) -> flatten"),
    named_by_text);

TEST(Network, SharesAStepBoundToAName) {
  check_network(experiment(
      "(x: f32[7], z: f32[7]) -> f32[2] { tower = dense(5, kernel_regularizer = l2(1e-2))\n a = x -> tower -> "
      "tanh\n b = z -> tower -> tanh\n subtract(a, b) -> dense(2) }"));
  // The second call of a batch norm moves the averages on from where the first left them.
  check_network(
      experiment("(x: f32[7], z: f32[7]) -> f32[2] { encode = encoder()\n add(x -> encode, z -> encode) -> dense(2) }\n"
                 "block encoder(x) { x -> dense(4) -> batch_norm(momentum = 0.5) -> tanh }"));
}

using Loss = Check;
TEST_P(Loss, IsRight) {
  check_network(experiment("(x: f32[4]) -> f32[2] { x -> dense(2, activation = sigmoid) }",
                           "optimizer = sgd(learning_rate = 0.1) loss = " + std::string(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(All, Loss,
                         testing::Values("mse", "mae", "huber(2.0)", "log_cosh", "binary_crossentropy", "hinge",
                                         "squared_hinge", "poisson", "cosine_similarity", "dice", "tversky(0.3, 0.7)"),
                         named_by_text);

TEST(Network, OfTimeStepsLearnsWithCtc) {
  for (const char *loss : {"ctc", "ctc(from_logits = false, max_length = 1)"})
    check_network(experiment("(x: f32[4]) -> class[3] { x -> dense(15) -> reshape([5, 3]) -> softmax }",
                             "metrics = [] optimizer = sgd(learning_rate = 0.1) loss = " + std::string(loss)));
}

using Optimizer = Check;
TEST_P(Optimizer, IsRight) {
  check_network(
      experiment("(x: f32[6]) -> class[3] { x -> dense(9) -> relu -> dense(3) }",
                 "metrics = [accuracy, top_k(2), precision, mean_iou] optimizer = " + std::string(GetParam())));
}
INSTANTIATE_TEST_SUITE_P(All, Optimizer,
                         testing::Values("sgd(0.1)", "sgd(0.1, momentum = 0.9, nesterov = true, weight_decay = 1e-2)",
                                         "rmsprop(momentum = 0.9, centered = true)",
                                         "adam(amsgrad = true, clipnorm = 0.1)", "adamw(clipvalue = 0.05)", "adamax",
                                         "nadam", "adagrad", "adadelta", "lion", "lamb(global_clipnorm = 0.1)", "ftrl",
                                         "adafactor", "muon", "sgd(learning_rate = cosine(0.1, warmup = 2 epochs))",
                                         "sgd(learning_rate = one_cycle(0.1))"),
                         named_by_text);
// The step that is checked is the fourth: it completes updates of four and of two steps, and none of three.
INSTANTIATE_TEST_SUITE_P(
    OverSteps, Optimizer,
    testing::Values("adam(gradient_accumulation_steps = 4, global_clipnorm = 0.1)",
                    "rmsprop(gradient_accumulation_steps = 3, momentum = 0.5, use_ema = true)",
                    "sgd(0.1, use_ema = true, ema_momentum = 0.5, ema_overwrite_frequency = 2)",
                    "nadam(gradient_accumulation_steps = 2, clipvalue = 0.01, use_ema = true)",
                    "adam(0.1) groups = [group(dense, learning_rate_multiplier = 0.1, beta_1 = 0.5), "
                    "group(\"*.bias\", weight_decay = 0.5, learning_rate = cosine(0.2))]"),
    named_by_text);

}  // namespace
}  // namespace netc::test
