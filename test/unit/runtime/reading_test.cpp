// The reading of trainings whose curves are made up: each rule once where it speaks and once where it must not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/train/reading.h"

namespace netc::runtime {
namespace {

using Values = std::vector<double>;

struct MadeUp {
  History history;
  Facts facts{.optimizer = "adam(learning_rate = lr)", .steps_per_epoch = 100, .batch_size = 32, .normalises = true};
  std::vector<EpochDiagnostics> diagnostics;
  std::string diverged;
  bool stopped_early = false, over = true;
  double suggested_rate = 0;
  std::optional<Answers> answers;

  explicit MadeUp(const Values &loss, const Values &val_loss = {}) {
    add("loss", loss);
    if (!val_loss.empty()) add("val_loss", val_loss);
  }
  MadeUp &add(const std::string &name, const Values &values) {
    history.columns.push_back(name);
    history.epochs.resize(std::max(history.epochs.size(), values.size()));
    for (size_t i = 0; i < values.size(); ++i) history.epochs[i].push_back(values[i]);
    return *this;
  }
  Findings read() const {
    Evidence evidence{history, facts, diagnostics};
    evidence.diverged = diverged;
    evidence.over = over;
    evidence.stopped_early = stopped_early;
    evidence.suggested_rate = suggested_rate;
    evidence.answers = answers;
    return read_training(evidence);
  }
  // "overfitting:warning:5 plateau:note:3", as found.
  std::string kinds() const {
    std::string text;
    Findings findings = read();
    for (const Finding &one : findings.list())
      text += (text.empty() ? "" : " ") + std::string(one.kind) + ":" + level_name(one.level) + ":" +
              std::to_string(one.epoch);
    return text;
  }
  Finding finding(const std::string &kind) const {
    Findings findings = read();
    for (const Finding &one : findings.list())
      if (kind == one.kind) return one;
    return Finding{};
  }
  bool advises(const std::string &kind, const std::string &line) const {
    Finding one = finding(kind);
    return std::any_of(one.advice.begin(), one.advice.end(), [&](const Advice &advice) { return advice.line == line; });
  }
};

// From `first`, each value `factor` times the one before.
Values falling(double first, double factor, size_t count) {
  Values values;
  for (size_t i = 0; i < count; ++i) values.push_back(first * std::pow(factor, static_cast<double>(i)));
  return values;
}

const Values kLearns = {2.3, 1.2, 0.7, 0.5, 0.42, 0.40, 0.395, 0.393, 0.392, 0.392};

TEST(Reading, NothingToMend) {
  MadeUp made(kLearns, {2.2, 1.2, 0.75, 0.55, 0.45, 0.43, 0.425, 0.424, 0.423, 0.423});
  EXPECT_EQ(made.kinds(), "good:good:9");
  EXPECT_NE(made.finding("good").text.find("val_loss is best in epoch 9: 0.423, with a loss of 0.392"),
            std::string::npos)
      << made.finding("good").text;
}

TEST(Reading, Overfitting) {
  MadeUp made({1.0, 0.6, 0.4, 0.3, 0.22, 0.16, 0.11}, {1.0, 0.7, 0.6, 0.58, 0.62, 0.66, 0.7});
  Finding found = made.finding("overfitting");
  EXPECT_EQ(found.level, Level::warning);
  EXPECT_EQ(found.epoch, 5);
  EXPECT_EQ(found.text,
            "Overfitting from epoch 5: val_loss rose from 0.58 to 0.66 while loss fell from 0.3 to 0.1633.");
  EXPECT_TRUE(made.advises("overfitting", "-> dropout(0.3)"));
  EXPECT_TRUE(made.advises("overfitting", "kernel_regularizer = l2(1e-4)"));
  EXPECT_FALSE(made.advises("overfitting", "augment = [flip(horizontal), translate(0.1)]"));
  made.facts.pictures = made.facts.dropout = true;
  EXPECT_TRUE(made.advises("overfitting", "augment = [flip(horizontal), translate(0.1)]"));
  EXPECT_FALSE(made.advises("overfitting", "-> dropout(0.3)"));
}

TEST(Reading, StrongOverfittingIsAProblemUnlessStopped) {
  MadeUp made({1.0, 0.6, 0.4, 0.2, 0.1, 0.05, 0.02}, {1.0, 0.7, 0.6, 0.9, 1.1, 1.4, 1.6});
  EXPECT_EQ(made.finding("overfitting").level, Level::problem);
  made.facts.early_stopping = made.stopped_early = true;
  EXPECT_EQ(made.finding("overfitting").level, Level::note);
}

TEST(Reading, NoiseIsNoOverfitting) {
  // A rise of a tenth of the best value, that is nothing beside what the loss fell.
  EXPECT_EQ(MadeUp({2.0, 0.5, 0.1, 0.05, 0.02, 0.015, 0.01}, {2.0, 0.5, 0.1, 0.02, 0.021, 0.022, 0.022})
                .finding("overfitting")
                .kind,
            std::string());
  // Two epochs after the best are not enough.
  EXPECT_EQ(MadeUp({1.0, 0.6, 0.4, 0.3, 0.2}, {1.0, 0.7, 0.5, 0.7, 0.9}).finding("overfitting").kind, std::string());
  // Both rise together: that is something else.
  EXPECT_EQ(MadeUp({1.0, 0.4, 0.5, 0.6, 0.7}, {1.0, 0.5, 0.6, 0.7, 0.8}).finding("overfitting").kind, std::string());
}

TEST(Reading, Gap) {
  MadeUp made({1.0, 0.5, 0.3, 0.2, 0.15, 0.149, 0.148}, {1.2, 0.9, 0.7, 0.6, 0.5, 0.5, 0.5});
  EXPECT_EQ(made.finding("gap").level, Level::note);
  // The metric says that both do as well.
  made.facts.higher_is_better = {"accuracy"};
  made.add("accuracy", {0.6, 0.8, 0.9, 0.95, 0.95, 0.95, 0.95})
      .add("val_accuracy", {0.6, 0.8, 0.9, 0.94, 0.94, 0.94, 0.94});
  EXPECT_EQ(made.finding("gap").kind, std::string());
}

TEST(Reading, StatisticsOfBatchNormHaveNotSettled) {
  MadeUp made({1.2, 0.4, 0.2}, {2.0, 1.9, 1.8});
  made.facts.batch_norm = true;
  made.facts.steps_per_epoch = 41;
  EXPECT_EQ(made.finding("statistics").level, Level::warning);
  EXPECT_TRUE(made.advises("statistics", "batch_norm(momentum = 0.9)"));
  made.facts.steps_per_epoch = 400;
  EXPECT_EQ(made.finding("statistics").kind, std::string());
}

TEST(Reading, Stalled) {
  MadeUp made({2.31, 2.303, 2.302, 2.303, 2.302});
  made.facts.classes = 10;
  made.facts.guess_is_known = true;
  made.facts.normalises = false;
  EXPECT_EQ(made.kinds(), "stalled:problem:1");
  EXPECT_NE(made.finding("stalled").text.find("what guessing costs"), std::string::npos);
  EXPECT_TRUE(made.advises("stalled", "normalize = standardize"));
  EXPECT_TRUE(made.advises("stalled", "find-lr"));
  made.add("learning_rate", {1e-9, 1e-9, 1e-9, 1e-9, 1e-9});
  made.suggested_rate = 0.003;
  EXPECT_TRUE(made.advises("stalled", "optimizer = adam(learning_rate = 0.003)"));
}

TEST(Reading, LearntInTheFirstEpochIsNotStalled) {
  MadeUp made({0.0301, 0.030, 0.030, 0.030});
  made.facts.classes = 10;
  made.facts.guess_is_known = true;
  EXPECT_EQ(made.finding("stalled").kind, std::string());
}

TEST(Reading, Diverging) {
  MadeUp made({1.0, 0.8, 0.7, 1.5, 3.0});
  made.add("learning_rate", {0.1, 0.1, 0.1, 0.1, 0.1});
  EXPECT_EQ(made.kinds(), "diverging:problem:4");
  EXPECT_TRUE(made.advises("diverging", "optimizer = adam(learning_rate = 0.01)"));
  EXPECT_TRUE(made.advises("diverging", "global_clipnorm = 1.0"));
  made.facts.rate_parameter = "lr";
  made.facts.clips = true;
  EXPECT_TRUE(made.advises("diverging", "--set lr=0.01"));
  EXPECT_FALSE(made.advises("diverging", "global_clipnorm = 1.0"));
}

TEST(Reading, LossThatIsNoNumber) {
  EXPECT_EQ(MadeUp({1.0, 0.8, NAN, NAN}).kinds(), "diverging:problem:3");
  MadeUp made({1.0, 0.8});
  made.diverged = "the loss of step 71 is not finite";
  EXPECT_EQ(made.finding("diverging").text, "The training diverged in epoch 3: the loss of step 71 is not finite.");
  // Before the first epoch was over.
  MadeUp at_once({});
  at_once.diverged = "the loss of step 3 is not finite";
  EXPECT_EQ(at_once.kinds(), "diverging:problem:1");
}

TEST(Reading, RateTooHigh) {
  EXPECT_EQ(MadeUp({1.0, 0.6, 0.9, 0.55, 0.8, 0.5, 0.85, 0.52}).finding("rate too high").level, Level::warning);
  EXPECT_EQ(MadeUp({1.0, 0.6, 0.5, 0.51, 0.45, 0.46, 0.42, 0.43}).finding("rate too high").kind, std::string());
}

TEST(Reading, RateTooLow) {
  EXPECT_EQ(MadeUp({2.3, 2.2, 2.1, 2.0, 1.9, 1.8, 1.7}).finding("rate too low").level, Level::warning);
  EXPECT_EQ(MadeUp(kLearns).finding("rate too low").kind, std::string());
}

TEST(Reading, StillFalling) {
  MadeUp made(falling(1, 0.8, 12), falling(1.1, 0.8, 12));
  EXPECT_EQ(made.finding("still falling").level, Level::note);
  EXPECT_TRUE(made.advises("still falling", "epochs = 24"));
  made.over = false;
  EXPECT_EQ(made.finding("still falling").kind, std::string());
  EXPECT_EQ(MadeUp(kLearns).finding("still falling").kind, std::string());
}

TEST(Reading, Underfitting) {
  MadeUp made({2.3, 1.9, 1.7, 1.62, 1.6, 1.6, 1.6, 1.6}, {2.3, 1.9, 1.75, 1.65, 1.62, 1.62, 1.62, 1.62});
  made.facts.classes = 10;
  made.facts.guess_is_known = true;
  EXPECT_EQ(made.finding("underfitting").level, Level::warning);
  EXPECT_TRUE(made.advises("underfitting", "-> dense(128) -> relu"));
  // The penalty of the regularisers is no sign of it.
  made.add("penalty", Values(8, 1.0));
  EXPECT_EQ(made.finding("underfitting").kind, std::string());
  MadeUp values({50, 45, 44, 44, 44, 44});
  values.add("r2", {0.1, 0.2, 0.2, 0.2, 0.2, 0.2});
  EXPECT_EQ(values.finding("underfitting").level, Level::warning);
}

TEST(Reading, Plateau) {
  MadeUp made({1.0, 0.5, 0.3, 0.28, 0.28, 0.28, 0.28, 0.28, 0.28, 0.28},
              {1.0, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3});
  EXPECT_EQ(made.finding("plateau").epoch, 3);
  EXPECT_TRUE(made.advises("plateau", "early_stopping(patience = 5)"));
}

TEST(Reading, OneAnswerForAll) {
  MadeUp made(kLearns);
  made.answers = Answers{"healthy", 0.99, 0.6};
  made.facts.classes = 2;
  EXPECT_EQ(made.finding("one answer").text, "The network answers healthy for 99 % of the samples; 60 % are.");
  EXPECT_FALSE(made.advises("one answer", "class_weight = balanced"));  // the classes are about as frequent
  made.answers = Answers{"healthy", 0.99, 0.78};
  EXPECT_TRUE(made.advises("one answer", "class_weight = balanced"));
  made.answers = Answers{"healthy", 0.99, 0.97};
  EXPECT_EQ(made.finding("one answer").kind, std::string());
}

TEST(Reading, TooShort) {
  EXPECT_EQ(MadeUp({1.0, 0.8}).kinds(), "short:note:0");
  MadeUp goes_on({1.0, 0.8});
  goes_on.over = false;
  EXPECT_EQ(goes_on.kinds(), "");
  EXPECT_EQ(MadeUp({}).kinds(), "");
}

EpochDiagnostics epoch(int64_t number, const std::vector<LayerDiagnostics> &layers) { return {number, layers}; }

TEST(Reading, DeadUnits) {
  MadeUp made(kLearns);
  made.diagnostics = {epoch(1, {{"relu", 0, 0, 0, 64, 12}, {"relu_1", 0, 0, 0, 32, 2}})};
  EXPECT_EQ(made.finding("dead units").kind, std::string());
  made.diagnostics = {epoch(2, {{"relu", 0, 0, 0, 64, 16}, {"relu_1", 0, 0, 0, 32, 20}})};
  EXPECT_EQ(made.finding("dead units").level, Level::problem);
  EXPECT_EQ(made.finding("dead units").text,
            "Dead units: 20 of the 32 units of relu_1 are zero for all samples looked at; other layers have such "
            "units, too.");
}

TEST(Reading, VanishingGradients) {
  MadeUp made(kLearns);
  made.diagnostics = {epoch(1, {{"dense", 1e-4, 3, 1e-3}, {"relu", 0, 0, 0, 64, 0}, {"dense_1", 0.5, 3, 1e-3}})};
  EXPECT_EQ(made.finding("vanishing gradients").level, Level::warning);
  EXPECT_NE(made.finding("vanishing gradients").text.find("that of dense is 0.0001"), std::string::npos);
  made.diagnostics[0].layers[0].gradient_norm = 1e-2;
  EXPECT_EQ(made.finding("vanishing gradients").kind, std::string());
}

TEST(Reading, ExplodingGradients) {
  MadeUp made(kLearns);
  for (int64_t i = 1; i <= 4; ++i) made.diagnostics.push_back(epoch(i, {{"lstm", i == 4 ? 80.0 : 0.5, 3, 1e-3}}));
  EXPECT_EQ(made.finding("exploding gradients").text,
            "Exploding gradients: that of lstm is 80, and was about 0.5 before.");
  made.diagnostics.back().layers[0].gradient_norm = 20;
  EXPECT_EQ(made.finding("exploding gradients").kind, std::string());
  made.diagnostics.back().layers[0].gradient_norm = INFINITY;
  EXPECT_EQ(made.finding("exploding gradients").level, Level::problem);
}

TEST(Reading, SizeOfSteps) {
  MadeUp made(kLearns);
  made.diagnostics = {epoch(1, {{"a", 1, 3, 1e-3}}), epoch(2, {{"a", 1, 3, 0.2}})};
  EXPECT_EQ(made.finding("large steps").level, Level::warning);
  made.diagnostics = {epoch(1, {{"a", 1, 3, 1e-7}}), epoch(2, {{"a", 1, 3, 1e-7}})};
  EXPECT_EQ(made.finding("small steps").level, Level::warning);
  // A schedule that ends with nothing.
  made.diagnostics = {epoch(1, {{"a", 1, 3, 1e-3}}), epoch(2, {{"a", 1, 3, 1e-9}})};
  EXPECT_EQ(made.finding("small steps").kind, std::string());
}

TEST(Reading, WorstFirst) {
  MadeUp made({1.0, 0.6, 0.4, 0.3, 0.22, 0.16, 0.11}, {1.0, 0.7, 0.6, 0.58, 0.62, 0.66, 0.7});
  made.diagnostics = {epoch(7, {{"relu", 0, 0, 0, 10, 9}})};
  EXPECT_TRUE(made.kinds().starts_with("dead units:problem:7 overfitting:warning:5")) << made.kinds();
}

TEST(Reading, LinesOfDiagnostics) {
  auto read = diagnostics_from_json(nlohmann::json::parse(
      R"({"epoch": 3, "layers": [{"name": "dense", "gradient_norm": "inf", "weight_norm": 2, "update_ratio": 0.001}, {"name": "relu", "units": 8, "dead": 3}]})"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->epoch, 3);
  EXPECT_TRUE(std::isinf(read->layers[0].gradient_norm));
  EXPECT_EQ(read->layers[1].dead, 3);
  for (const char *wrong : {"{}", "[]", "3", R"({"epoch": "x", "layers": []})", R"({"epoch": 1, "layers": [{}]})",
                            R"({"epoch": 1, "layers": [{"name": "a", "units": "b"}]})"})
    EXPECT_FALSE(diagnostics_from_json(nlohmann::json::parse(wrong))) << wrong;
}

}  // namespace
}  // namespace netc::runtime
