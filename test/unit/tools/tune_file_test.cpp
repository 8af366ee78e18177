// What netc tune makes of a `.net` file: the check of its space, configurations, best.net, importance of the params.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tools/netc/tune/best_file.h"
#include "tools/netc/tune/draws.h"
#include "tools/netc/tune/importance.h"
#include "tools/netc/tune/sampler.h"
#include "tools/netc/tune/space_check.h"

namespace netc::tune {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int64_t kPlenty = int64_t{1} << 40;

class TuneFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("tune_file_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "study");
    write("t.csv", "a,b,c,d,k\n1,2,3,4,x\n");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const char *name, const std::string &text) const { std::ofstream(folder_ / name) << text; }
  std::string text_of(const char *name) const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // A file with these params, a body that uses them and a train section.
  void model(const std::string &params, const std::string &body, const std::string &train = "optimizer = sgd") const {
    write("model.net", params +
                           "\ndata d { train = csv(\"t.csv\", target = \"k\") }\nnetwork n(x: f32[4]) -> class[3] { " +
                           body + " }\ntrain n on d { " + train + " }\n");
  }
  json parameters() const {
    Elaborated file = elaborate_with(folder_ / "model.net", {});
    EXPECT_TRUE(file.program) << render_text(file.diagnostics, *file.sources, false);
    return (*file.program->metadata)["parameters"];
  }
  // What the check says, without the folder.
  std::string checked(int64_t budget = kPlenty) const {
    Configurator configurator(folder_ / "model.net", {});
    std::string text = check_space(configurator, space_of(parameters(), {}), budget).errors;
    for (std::string prefix = folder_.string() + "/"; text.find(prefix) != std::string::npos;)
      text.erase(text.find(prefix), prefix.size());
    return text;
  }

  fs::path folder_;
};

TEST_F(TuneFileTest, ASoundSpaceIsPassed) {
  model("param width = 8 in 1 .. 40\nparam rate = 0.1 in 0 .. 0.9\nparam lr = 0.1 in log 1e-3 .. 1",
        "x -> dense(width) -> dropout(rate) -> dense(3)", "optimizer = sgd(learning_rate = lr)");
  EXPECT_EQ(checked(), "");
}

TEST_F(TuneFileTest, AnEndThatMakesNoProgramIsToldWithItsPlace) {
  model("param width = 8 in 0 .. 40", "x -> dense(width) -> dense(3)");
  std::string text = checked();
  EXPECT_TRUE(
      text.starts_with("model.net:1:20: error: with width = 0 there is no program\n"
                       "   1 | param width = 8 in 0 .. 40\n"
                       "     |                    ^~~~~~~\n"
                       "model.net:3:41: note: dense needs at least 1 unit, got 0\n"))
      << text;
  EXPECT_NE(text.find("help: make the space narrower"), std::string::npos) << text;
}

TEST_F(TuneFileTest, ACombinationThatMakesNoProgramIsTold) {
  model("param size = 2 in {2, 4}\nparam kernel = 2 in {2, 3, 4}",
        "x -> reshape([size, 4 // size, 1]) -> conv2d(4, [kernel, 1], padding = valid) -> flatten -> dense(3)");
  std::string text = checked();
  EXPECT_NE(text.find("error: with kernel = 3 there is no program"), std::string::npos) << text;
  model("param size = 4 in {2, 4}\nparam kernel = 2 in {2, 3, 4}",
        "x -> reshape([size, 4 // size, 1]) -> conv2d(4, [kernel, 1], padding = valid) -> flatten -> dense(3)");
  text = checked();
  EXPECT_NE(text.find("error: with kernel = 3, size = 2 there is no program"), std::string::npos) << text;
}

TEST_F(TuneFileTest, ValuesOfACountAreChecked) {
  model("param batch = 32 in 0 .. 64", "x -> dense(3)", "optimizer = sgd  batch_size = batch");
  EXPECT_NE(checked().find("error: batch_size is a whole number of at least 1, and batch can be 0"), std::string::npos)
      << checked();
  model("param batch = 32.0 in 8 .. 64.0", "x -> dense(3)", "optimizer = sgd  batch_size = batch");
  EXPECT_NE(checked().find("error: batch_size is a whole number of at least 1"), std::string::npos) << checked();
}

TEST_F(TuneFileTest, MoreMemoryThanThereIsIsTold) {
  model("param width = 8 in {8, 4000}", "x -> dense(width) -> dense(width) -> dense(3)");
  EXPECT_EQ(checked(int64_t{1} << 30), "");
  std::string text = checked(int64_t{100} << 20);
  EXPECT_NE(text.find("error: with width = 4000 a training takes 0.1 GB of memory, more than the 0.1 GB there are"),
            std::string::npos)
      << text;
}

TEST_F(TuneFileTest, ConditionsKeepValuesOut) {
  model("param deep = false in {false, true}\nparam kernel = 1 in {1, 9} if deep",
        "y = if deep { x } else { x -> dense(kernel) }  y -> dense(3)");
  EXPECT_EQ(checked(), "");
}

TEST_F(TuneFileTest, ShapesAreCompiledInTheRestIsSet) {
  model(
      "param rule = \"adam\" in {\"adam\", \"sgd\"}\nparam width = 8 in {8, 16}\nparam lr = 0.1 in 0.1 .. 0.5\n"
      "param beta = 0.9 in 0.8 .. 0.99",
      "x -> dense(width) -> dense(3)",
      "optimizer = if rule == \"sgd\" { sgd(learning_rate = lr) } else { adam(learning_rate = lr, beta_1 = beta) }");
  Configurator configurator(folder_ / "model.net", {});
  auto configuration = configurator.of({{"rule", "sgd"}, {"width", 16}, {"lr", 0.2}, {"beta", 0.85}});
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->defines, (Defines{{"rule", "sgd"}, {"width", "16"}}));
  EXPECT_EQ(configuration->settings, (Defines{{"lr", "0.2"}}));  // sgd has no beta
  configuration = configurator.of({{"rule", "adam"}, {"width", 8}, {"lr", 0.1}, {"beta", 0.85}});
  ASSERT_TRUE(configuration);
  EXPECT_EQ(configuration->defines, Defines{});
  EXPECT_EQ(configuration->settings, (Defines{{"beta", "0.85"}}));
}

TEST_F(TuneFileTest, BestFileKeepsEverythingButTheValues) {
  write("common.net", "param width = 8 in {8, 16}   # shared\n");
  write("model.net",
        "import \"common.net\"  # where width is\n# learning\nparam lr    = 1e-2  in log 1e-4 .. 1  # the rate\n"
        "param rule  = \"adam\"  in {\"adam\", \"s\\\"gd\"}\nparam flag = true in {true, false}\n"
        "data d { train = csv(\"t.csv\", target = \"k\") }  # lr = 1e-2 in words\n"
        "network n(x: f32[4]) -> class[3] { x -> dense(width) -> dense(3) }\ntrain n on d { optimizer = sgd }\n");
  auto written = write_best_file(
      folder_ / "model.net", {{"width", 16}, {"lr", 0.002712}, {"rule", "s\"gd"}, {"flag", false}}, folder_ / "study");
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(
      text_of("study/best.net"),
      "import \"best-common.net\"  # where width is\n# learning\nparam lr    = 0.002712  in log 1e-4 .. 1  # the rate\n"
      "param rule  = \"s\\\"gd\" in {\"adam\", \"s\\\"gd\"}\nparam flag = false in {true, false}\n"
      "data d { train = csv(\"../t.csv\", target = \"k\") }  # lr = 1e-2 in words\n"
      "network n(x: f32[4]) -> class[3] { x -> dense(width) -> dense(3) }\ntrain n on d { optimizer = sgd }\n");
  EXPECT_EQ(text_of("study/best-common.net"), "param width = 16 in {8, 16}   # shared\n");
  Elaborated best = elaborate_with(folder_ / "study/best.net", {});
  ASSERT_TRUE(best.program) << render_text(best.diagnostics, *best.sources, false);
  EXPECT_EQ((*best.program->metadata)["parameters"][0]["value"], 16);
}

// y = 3 a + b over the unit cube has the variances 9 / 12 and 1 / 12.
TEST(TuneImportance, OfASumIsTheShareOfItsParts) {
  Space space;
  for (const char *name : {"a", "b", "nothing"})
    space.dimensions.push_back({name, Dimension::Kind::real, 0, 1, false, {}, nullptr, 0.5});
  std::vector<Sample> samples;
  for (uint32_t trial = 0; trial < 300; ++trial) {
    Values values = random_values(space, 1, trial, 0);
    samples.push_back({values, 3 * values["a"].get<double>() + values["b"].get<double>()});
  }
  std::vector<double> shares = importance(space, samples, 1);
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_NEAR(shares[0], 0.9, 0.05);
  EXPECT_NEAR(shares[1], 0.1, 0.05);
  EXPECT_LT(shares[2], 0.02);
  EXPECT_EQ(importance(space, samples, 1), shares);
}

// y = (a > 1/2) xor (b > 1/2): neither says anything alone.
TEST(TuneImportance, OfAnInterplayIsNoOnes) {
  Space space;
  Dimension choice;
  choice.kind = Dimension::Kind::choice;
  choice.choices = {0, 1};
  for (const char *name : {"a", "b"}) {
    choice.name = name;
    space.dimensions.push_back(choice);
  }
  std::vector<Sample> samples;
  for (uint32_t trial = 0; trial < 200; ++trial) {
    Values values = random_values(space, 1, trial, 0);
    samples.push_back({values, values["a"] == values["b"] ? 0.0 : 1.0});
  }
  for (double share : importance(space, samples, 1)) EXPECT_LT(share, 0.1);
}

TEST(TuneImportance, OfTooLittleIsNothing) {
  Space space{{{"a", Dimension::Kind::real, 0, 1, false, {}, nullptr, 0.5}}, {}};
  std::vector<Sample> samples(5, {{{"a", 0.5}}, 1});
  EXPECT_TRUE(importance(space, samples, 1).empty());
  samples.resize(20, samples[0]);
  EXPECT_TRUE(importance(space, samples, 1).empty());  // all alike
}

}  // namespace
}  // namespace netc::tune
