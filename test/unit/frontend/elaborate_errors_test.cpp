// What a user is told about a file that is wrong: the message, the help, and that nothing else is said.
#include <gtest/gtest.h>

#include "test/unit/case_name.h"
#include "test/unit/frontend/elaborate_support.h"

namespace netc::test {
namespace {

struct Case {
  const char *body;     // of the network (x: f32[8, 8, 1]) -> class[3]
  const char *message;  // part of the text shown
  size_t errors = 1;
};

class Wrong : public testing::TestWithParam<Case> {};
TEST_P(Wrong, IsToldOnce) {
  auto result = elaborate_text(experiment("(x: f32[8, 8, 1]) -> class[3] { " + std::string(GetParam().body) + " }"));
  EXPECT_FALSE(result->program);
  EXPECT_NE(result->messages().find(GetParam().message), std::string::npos) << result->messages();
  EXPECT_EQ(result->diagnostics.error_count(), GetParam().errors) << result->messages();
}
INSTANTIATE_TEST_SUITE_P(
    Network, Wrong,
    testing::Values(Case{"x -> dense(3)", "dense needs a vector per sample, got f32[8, 8, 1]"},
                    Case{"x -> dense(3)", "flatten it first: -> flatten -> dense(3)"},
                    Case{"x -> conv2d(4, 3) -> max_pool2d(2) -> dense(3)",
                         "x f32[8, 8, 1] -> conv2d f32[6, 6, 4] -> max_pool2d f32[3, 3, 4]"},
                    Case{"x -> flaten -> dense(3)", "did you mean flatten?"},
                    Case{"x -> conv2d(4, 3, pading = same) -> flatten -> dense(3)", "did you mean padding?"},
                    Case{"x -> conv2d(4) -> flatten -> dense(3)", "conv2d needs kernel_size"},
                    Case{"x -> conv2d(4, 3, filters = 5) -> flatten -> dense(3)", "filters is given twice"},
                    Case{"x -> conv2d(2.5, 3) -> flatten -> dense(3)", "must be a whole number, got 2.5"},
                    Case{"x -> dropout(1.5) -> flatten -> dense(3)", "needs a rate from 0 to below 1, got 1.5"},
                    Case{"x -> flatten -> dense(4)", "the network promises class[3], its last step gives f32[4]"},
                    Case{"x -> flatten -> dense(3 epochs)", "got 3 epochs"},
                    Case{"y = conv2d(4, 3)  x + y", "a block gets its input from a pipeline"},
                    Case{"if x { x } else { x }", "select(condition, yes, no)"},
                    Case{"x -> conv2d(4, 20) -> flatten -> dense(3)", "conv2d"},
                    Case{"x -> nothing -> dense(3)  z -> also_nothing", "unknown name", 3},
                    Case{"repeat i in 0 ..< 200000 { y = i }  x -> flatten -> dense(3)", "more than 100000 times"},
                    Case{"1 / 0", "division by zero"}),
    [](const auto &info) { return case_name(info.param.body, info.index); });

struct TrainCase {
  const char *train;
  const char *message;
};
class WrongTraining : public testing::TestWithParam<TrainCase> {};
TEST_P(WrongTraining, IsToldOnce) {
  auto result = elaborate_text(experiment("(x: f32[4]) -> class[3] { x -> dense(3) as head }", GetParam().train));
  EXPECT_NE(result->messages().find(GetParam().message), std::string::npos) << result->messages();
  EXPECT_EQ(result->diagnostics.all().size(), 1u) << result->messages();
}
INSTANTIATE_TEST_SUITE_P(
    Section, WrongTraining,
    testing::Values(
        TrainCase{"optimiser = sgd  optimizer = sgd", "did you mean optimizer?"},
        TrainCase{"loss = mse", "train needs the key optimizer"},
        TrainCase{"optimizer = adam(lerning_rate = 1)", "did you mean learning_rate?"},
        TrainCase{"optimizer = relu", "is no optimizer"},
        TrainCase{"optimizer = sgd  epochs = 3  epochs = 4", "given twice"},
        TrainCase{"optimizer = sgd  loss = binary_crossentropy(from_logits = true)", "has 3 classes"},
        TrainCase{"optimizer = sgd  loss = sparse_categorical_crossentropy", "expects probabilities"},
        TrainCase{"optimizer = sgd  metrics = [relu]", "is no metric"},
        TrainCase{"optimizer = sgd  freeze = [hed]", "did you mean head?"},
        TrainCase{"optimizer = sgd  callbacks = [early_stoping(patience = 3)]", "did you mean early_stopping?"},
        TrainCase{"optimizer = sgd(learning_rate = cosine(0.1, warmup = 3 h))", "a number of steps or epochs"}),
    [](const auto &info) { return case_name(info.param.train, info.index); });

TEST(Errors, RecursionOfBlocks) {
  auto result = elaborate_text(
      experiment("(x: f32[4]) -> class[3] { x -> again }", "optimizer = sgd", "block again(x) { x -> again }"));
  EXPECT_NE(result->messages().find("blocks call each other without end"), std::string::npos) << result->messages();
}
TEST(Errors, UnusedParamAndValue) {
  auto result = elaborate_text(
      experiment("(x: f32[4]) -> class[3] { y = x -> dense(7)  x -> dense(3) }", "optimizer = sgd", "param p = 3"));
  ASSERT_TRUE(result->program);
  EXPECT_NE(result->messages().find("the param p is never used"), std::string::npos) << result->messages();
  EXPECT_NE(result->messages().find("the value y is never used"), std::string::npos) << result->messages();
}
TEST(Errors, ParamOutsideItsSpace) {
  auto result = elaborate_text(
      experiment("(x: f32[4]) -> class[3] { x -> dense(n) -> dense(3) }", "optimizer = sgd", "param n = 3 in 4 .. 8"));
  EXPECT_NE(result->messages().find("lies outside of its space"), std::string::npos) << result->messages();
}

}  // namespace
}  // namespace netc::test
