// Every rule of the standard library gives what it gives in Keras.
#include <gtest/gtest.h>

#include "test/unit/keras/comparison.h"

namespace netc::test {
namespace {

class Keras : public testing::TestWithParam<Comparison> {};

TEST_P(Keras, Agrees) {
  Deviation deviation = compare(GetParam());
  std::printf("off by %.1e in f64, %.1e compiled\n", deviation.exact, deviation.compiled);
}

INSTANTIATE_TEST_SUITE_P(Activations, Keras, testing::ValuesIn(comparisons("activations")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Constraints, Keras, testing::ValuesIn(comparisons("constraints")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Losses, Keras, testing::ValuesIn(comparisons("losses")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Metrics, Keras, testing::ValuesIn(comparisons("metrics")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Normalization, Keras, testing::ValuesIn(comparisons("normalization")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Optimizers, Keras, testing::ValuesIn(comparisons("optimizers")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Regularizers, Keras, testing::ValuesIn(comparisons("regularizers")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Schedules, Keras, testing::ValuesIn(comparisons("schedules")), named_by_case);
INSTANTIATE_TEST_SUITE_P(Updates, Keras, testing::ValuesIn(comparisons("updates")), named_by_case);

}  // namespace
}  // namespace netc::test
