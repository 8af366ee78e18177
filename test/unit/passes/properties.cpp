// Every pass keeps the meaning of random modules, and leaves behind what it promises.
#include <gtest/gtest.h>

#include <algorithm>

#include "ir/op.h"
#include "ir/text.h"
#include "ir/verifier.h"
#include "passes/passes.h"
#include "test/unit/passes/same_meaning.h"

namespace netc {
namespace {

constexpr uint64_t kSeeds = 60;
// Constants are rounded to f32 when folded; the evaluator works in f64.
constexpr SameMeaningOptions kRounded{.tolerance = 1e-4};

std::string problems_of(const std::vector<std::string> &problems) {
  std::string text;
  for (const std::string &problem : problems) text += problem + "\n";
  return text;
}

TEST(Pipeline, KeepsTheMeaningPassByPass) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Module module = random_module(seed, seed % 2 ? Mode::training : Mode::inference);
    const std::string original = print(module);
    ASSERT_EQ(problems_of(verify(module)), "");
    for (const Pass &pass : pipeline()) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", pass " + std::string(pass.name));
      Module before = module;
      pass.run(module);
      ASSERT_EQ(problems_of(verify(module)), "") << print(before) << print(module);
      expect_same_meaning(before, module, kRounded);
      if (testing::Test::HasFatalFailure() || testing::Test::HasNonfatalFailure())
        FAIL() << print(before) << print(module);
    }
    ASSERT_EQ(problems_of(check_memory_plan(module)), "") << print(module);
  }
}

TEST(Pipeline, RunsTwiceWithoutHarm) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Module module = random_module(seed, Mode::training);
    ASSERT_TRUE(run_pipeline(module, {.verify_each = true}));
    Module again = module;
    auto done = run_pipeline(again, {.verify_each = true});
    ASSERT_TRUE(done) << done.error().message;
    expect_same_meaning(module, again, kRounded);
  }
}

TEST(Pipeline, LeavesNothingUnfused) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Module module = random_module(seed, Mode::training);
    ASSERT_TRUE(run_pipeline(module, {}));
    for (const Op &op : module.functions.front().ops) {
      EXPECT_NE(op.def->op_class, OpClass::elementwise) << op.def->name;
      EXPECT_NE(op.def->op_class, OpClass::reduction) << op.def->name;
      EXPECT_NE(op.def->op_class, OpClass::composite) << op.def->name;
    }
  }
}

TEST(Pipeline, EveryOptionalPassMayBeLeftOut) {
  for (const Pass &pass : pipeline()) {
    if (pass.required) continue;
    Module module = random_module(11, Mode::inference), original = module;
    auto done = run_pipeline(module, {.disabled = {std::string(pass.name)}, .verify_each = true});
    ASSERT_TRUE(done) << pass.name << ": " << done.error().message;
    expect_same_meaning(original, module, kRounded);
  }
}

// The plan never needs less than what lives at once, and not much more.
TEST(MemoryPlan, IsNearTheLowerBound) {
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    Module module = random_module(seed, Mode::training);
    ASSERT_TRUE(run_pipeline(module, {}));
    for (const MemoryReport &report : memory_report(module)) {
      EXPECT_GE(report.fixed_bytes, report.lower_bound_fixed);
      EXPECT_GE(report.batch_bytes, report.lower_bound_batch);
      EXPECT_LE(report.batch_bytes, report.lower_bound_batch * 3 / 2);
    }
  }
}

}  // namespace
}  // namespace netc
