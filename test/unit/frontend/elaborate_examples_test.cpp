// Every example elaborates without a message into a module the verifier accepts.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "ir/verifier.h"
#include "test/unit/frontend/elaborate_support.h"

namespace netc::test {
namespace {

std::filesystem::path examples() {
  // The build folder lies in the source tree: go up until the examples are there.
  std::filesystem::path folder = std::filesystem::current_path();
  while (!std::filesystem::exists(folder / "examples" / "digits.net") && folder != folder.parent_path())
    folder = folder.parent_path();
  return folder / "examples";
}

TEST(ElaborateExamples, AreSound) {
  size_t count = 0;
  for (const auto &entry : std::filesystem::directory_iterator(examples())) {
    if (entry.path().extension() != ".net" || entry.path().filename() == "cifar10.net") continue;
    SCOPED_TRACE(entry.path().string());
    auto result = elaborate_path(entry.path());
    EXPECT_EQ(result->messages(), "");
    ASSERT_TRUE(result->program);
    for (const std::string &problem : verify(result->program->module)) ADD_FAILURE() << problem;
    std::vector<std::string> names;
    for (const Function &function : result->program->module.functions) names.push_back(function.name);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"evaluate", "gradcheck", "init", "learning_rate", "metrics", "predict",
                                               "train_step"}));
    ++count;
  }
  EXPECT_GE(count, 6u);
}

TEST(ElaborateExamples, AreFast) {
  auto begin = std::chrono::steady_clock::now();
  auto result = elaborate_path(examples() / "fashion.net");
  auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ASSERT_TRUE(result->program);
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
  EXPECT_LT(seconds, 2.0);  // about 0.03 on an idle machine
}

}  // namespace
}  // namespace netc::test
