// Whole training steps: how many kernels a step takes, and what is kept in memory.
#include <gtest/gtest.h>

#include <map>

#include "ir/op.h"
#include "passes/passes.h"
#include "test/unit/passes/network.h"
#include "test/unit/passes/same_meaning.h"

namespace netc {
namespace {

std::map<std::string, int> count_kernels(const Function &function) {
  std::map<std::string, int> count;
  for (const Op &op : function.ops) {
    if (op.body != nullptr)
      ++count[op.get<std::string>("kind")];
    else if (op.def->op_class == OpClass::kernel)
      ++count[std::string(op.def->name)];
  }
  return count;
}

TEST(Network, PassesKeepItsMeaning) {
  Module module = convolutional_network();
  ASSERT_TRUE(run_pass(*find_pass("autodiff"), module, {}));
  Module expanded = module;
  auto done = run_pipeline(module, {.verify_each = true});
  ASSERT_TRUE(done) << done.error().message;
  expect_same_meaning(expanded, module, {.tolerance = 1e-4});
}

TEST(Network, TakesFewKernels) {
  Module module = convolutional_network();
  ASSERT_TRUE(run_pipeline(module, {}));
  std::map<std::string, int> train = count_kernels(*module.find_function("train_step"));
  EXPECT_EQ(train["contraction"], 8);  // three forward, three gradients of weights, two of activations
  EXPECT_LE(train["reduce"], 12);
  EXPECT_LE(train["map"], 19);
  std::map<std::string, int> predict = count_kernels(*module.find_function("predict"));
  EXPECT_EQ(predict["contraction"], 3);
  EXPECT_EQ(predict["reduce"], 2);  // of the softmax
  EXPECT_LE(predict["map"], 6);
}

}  // namespace
}  // namespace netc
