// Callbacks against hand-worked sequences, in the manner of Keras.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/train/callbacks.h"
#include "runtime/train/state.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

json call(const char *name, json named) {
  return {{"call", name}, {"args", json::array()}, {"named", std::move(named)}};
}

const json kMetrics = {{{"name", "accuracy"}, {"accumulators", 2}, {"higher_is_better", true}}};

struct Played {
  std::vector<std::string> saved;  // "epoch:file"
  std::string stop;
  size_t epochs = 0;
  double scale = 1;
};

// Plays epochs with the given values of the columns until a callback stops.
Played play(const json &list, const std::vector<std::string> &columns, const std::vector<std::vector<double>> &epochs) {
  History history{columns, {}};
  auto callbacks = Callbacks::create(list, kMetrics, history);
  EXPECT_TRUE(callbacks.has_value()) << callbacks.error().message;
  Played played;
  for (const auto &values : epochs) {
    // Every epoch goes through a checkpoint.
    auto again = Callbacks::create(list, kMetrics, history);
    EXPECT_TRUE(again->restore(json::parse(callbacks->state().dump())));
    callbacks = std::move(again);
    history.epochs.push_back(values);
    EpochActions actions = callbacks->epoch_end(history, played.scale, static_cast<double>(history.epochs.size()));
    played.scale *= actions.learning_rate_factor;
    played.epochs = history.epochs.size();
    for (const std::string &file : actions.save) played.saved.push_back(std::to_string(played.epochs) + ":" + file);
    played.stop = actions.stop;
    if (!played.stop.empty()) break;
  }
  return played;
}

std::vector<std::vector<double>> column(std::initializer_list<double> values) {
  std::vector<std::vector<double>> rows;
  for (double value : values) rows.push_back({value});
  return rows;
}

TEST(Callbacks, BestIsAlwaysKept) {
  Played played = play(nullptr, {"loss"}, column({3, 2, 2.5, NAN, 1}));
  EXPECT_EQ(played.saved, (std::vector<std::string>{"1:best.safetensors", "2:best.safetensors", "5:best.safetensors"}));
}

TEST(Callbacks, EarlyStoppingCountsEpochsWithoutImprovement) {
  json list = {call("early_stopping", {{"monitor", {{"name", "loss"}}}, {"patience", 2}})};
  EXPECT_EQ(play(list, {"loss"}, column({5, 4, 4, 3.9, 4, 4, 1})).epochs, 6u);
  list = {call("early_stopping", {{"monitor", {{"name", "loss"}}}, {"patience", 2}, {"min_delta", 0.5}})};
  EXPECT_EQ(play(list, {"loss"}, column({5, 4, 4, 3.9, 4, 4, 1})).epochs, 4u);
  list = {call("early_stopping", {{"monitor", {{"name", "loss"}}}, {"patience", 1}, {"start_from_epoch", 3}})};
  EXPECT_EQ(play(list, {"loss"}, column({5, 6, 7, 8, 8, 1})).epochs, 5u);
  list = {call("early_stopping", {{"monitor", {{"name", "loss"}}}, {"patience", 2}, {"baseline", 4.5}})};
  EXPECT_EQ(play(list, {"loss"}, column({7, 6, 5, 5, 1})).epochs, 4u);  // 5 is an improvement, but not on the baseline
  EXPECT_EQ(play(list, {"loss"}, column({7, 4, 5, 4, 1})).epochs, 4u);
  // Of a metric that is better when it is higher.
  list = {call("early_stopping", {{"monitor", {{"name", "accuracy"}}}, {"patience", 1}})};
  EXPECT_EQ(play(list, {"accuracy"}, column({0.1, 0.2, 0.3, 0.25})).epochs, 4u);
}

TEST(Callbacks, EarlyStoppingKeepsItsOwnBestWhenTheCheckpointMeansAnother) {
  json stopping =
      call("early_stopping", {{"monitor", {{"name", "loss"}}}, {"patience", 5}, {"restore_best_weights", true}});
  json checkpoint = call("checkpoint", {{"monitor", {{"name", "accuracy"}}}, {"keep", {{"name", "best"}}}});
  std::vector<std::vector<double>> epochs = {{2, 0.5}, {1, 0.4}, {3, 0.6}};
  EXPECT_EQ(play({stopping, checkpoint}, {"loss", "accuracy"}, epochs).saved,
            (std::vector<std::string>{"1:best.safetensors", "1:restored.safetensors", "2:restored.safetensors",
                                      "3:best.safetensors"}));
  EXPECT_EQ(play({stopping}, {"loss", "accuracy"}, epochs).saved,
            (std::vector<std::string>{"1:best.safetensors", "2:best.safetensors"}));
}

TEST(Callbacks, CheckpointEveryFewEpochs) {
  json list = {call("checkpoint", {{"every", {{"value", 2}, {"unit", "epochs"}}}})};
  EXPECT_EQ(play(list, {"loss"}, column({1, 1, 1, 1})).saved,
            (std::vector<std::string>{"1:best.safetensors", "2:epoch-0002.safetensors", "4:epoch-0004.safetensors"}));
}

TEST(Callbacks, LearningRateFallsOnAPlateau) {
  json list = {call("reduce_lr_on_plateau", {{"monitor", {{"name", "loss"}}}, {"patience", 2}, {"factor", 0.5}})};
  EXPECT_EQ(play(list, {"loss"}, column({5, 5, 5})).scale, 0.5);
  EXPECT_EQ(play(list, {"loss"}, column({5, 5, 4, 4})).scale, 1);
  EXPECT_EQ(play(list, {"loss"}, column({5, 5, 5, 5, 5})).scale, 0.25);
  list[0]["named"]["cooldown"] = 2;  // in Keras the epoch in which the counter comes to 0 counts again
  EXPECT_EQ(play(list, {"loss"}, column({5, 5, 5, 5, 5})).scale, 0.5);
  EXPECT_EQ(play(list, {"loss"}, column({5, 5, 5, 5, 5, 5})).scale, 0.25);
  list[0]["named"]["min_scale"] = 0.4;
  EXPECT_EQ(play(list, {"loss"}, column({5, 5, 5, 5, 5, 5})).scale, 0.4);
}

// min_lr is a rate: the history tells what it is now.
TEST(Callbacks, LearningRateStopsFallingAtItsLeast) {
  json list = {call("reduce_lr_on_plateau", {{"monitor", {{"name", "loss"}}}, {"patience", 1}, {"min_lr", 4e-4}})};
  EXPECT_DOUBLE_EQ(play(list, {"loss", "learning_rate"}, {{5, 1e-3}, {5, 1e-3}}).scale, 0.4);
  EXPECT_EQ(play(list, {"loss", "learning_rate"}, {{5, 4e-4}, {5, 4e-4}, {5, 4e-4}}).scale, 1);
}

// As Keras 3 counts: an epoch that only equals the best is none better, and the first epoch never stops.
TEST(Callbacks, PatienceOfZeroStopsAtTheFirstEpochThatIsNoBetter) {
  json list = {call("early_stopping", {{"monitor", {{"name", "loss"}}}})};
  EXPECT_EQ(play(list, {"loss"}, column({5, 4, 4, 1})).epochs, 3u);
  EXPECT_EQ(play(list, {"loss"}, column({NAN, 4, 3, 3})).epochs, 4u);
  EXPECT_EQ(play(list, {"loss"}, column({5, NAN, 1})).epochs, 2u);
}

TEST(Callbacks, ModeSaysWhichDirectionIsBetter) {
  json list = {call("early_stopping", {{"monitor", {{"name", "loss"}}}, {"patience", 1}, {"mode", "max"}})};
  EXPECT_EQ(play(list, {"loss"}, column({1, 2, 3, 2.5, 9})).epochs, 4u);
  list = {call("early_stopping", {{"monitor", {{"name", "accuracy"}}}, {"patience", 1}, {"mode", "min"}})};
  EXPECT_EQ(play(list, {"accuracy"}, column({0.5, 0.4, 0.45})).epochs, 3u);
}

// An improvement that does not beat the baseline is the best so far, but does not restart the count.
TEST(Callbacks, BaselineAndBestAreTwoThings) {
  json list = {call("early_stopping", {{"monitor", {{"name", "loss"}}}, {"patience", 3}, {"baseline", 1.0}})};
  EXPECT_EQ(play(list, {"loss"}, column({5, 4, 3, 3, 0.1})).epochs, 4u);
  EXPECT_EQ(play(list, {"loss"}, column({5, 4, 3, 2, 0.9, 0.9, 0.9, 0.9, 0})).epochs, 8u);
}

TEST(Callbacks, TimeLimitStops) {
  json list = {{{"call", "time_limit"}, {"args", {{{"value", 0.05}, {"unit", "min"}}}}, {"named", json::object()}}};
  Played played = play(list, {"loss"}, column({1, 1, 1, 1}));
  EXPECT_EQ(played.epochs, 3u);
  EXPECT_EQ(played.stop, "the time limit is reached");
}

TEST(Callbacks, MistakesAreTold) {
  History history{{"loss", "accuracy"}, {}};
  auto message = [&](json list) {
    auto callbacks = Callbacks::create(list, kMetrics, history);
    return callbacks ? std::string() : callbacks.error().message + "; " + callbacks.error().help;
  };
  EXPECT_EQ(message({call("early_stoping", json::object())}),
            "unknown callback early_stoping; did you mean early_stopping?");
  EXPECT_EQ(message({call("early_stopping", {{"monitor", {{"name", "acuracy"}}}})}),
            "early_stopping monitors acuracy, which is not measured; did you mean accuracy?");
  EXPECT_NE(message({call("early_stopping", {{"monitor", {{"name", "val_loss"}}}})}).find("no validation data"),
            std::string::npos);
  EXPECT_EQ(message({call("reduce_lr_on_plateau", {{"factor", 1.5}})}),
            "reduce_lr_on_plateau: factor is 1.5, it must be between 0 and 1; ");
}

TEST(TrainingState, SurvivesJsonExactly) {
  TrainingState state;
  state.step = 41;
  state.epoch = 2;
  state.batch = 7;
  state.sums = {0.1 + 0.2, 1e-300, 64, {{NAN, -INFINITY}, {5e-324}}};
  state.learning_rate_scale = 1.0 / 3;
  state.stopped = "why";
  state.callbacks = json::object();
  state.history = {{"loss"}, {{1.0 / 7}, {INFINITY}}};
  auto back = training_state_from_json(json::parse(to_json(state).dump()));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(to_json(*back), to_json(state));
  EXPECT_EQ(back->sums.loss, 0.1 + 0.2);
  EXPECT_EQ(back->sums.metrics[1][0], 5e-324);
  EXPECT_TRUE(std::isnan(back->sums.metrics[0][0]));
  EXPECT_EQ(back->history.csv(), "epoch,loss\n1,0.1428571\n2,inf\n");
  json damaged = to_json(state);
  damaged["epoch"] = 5;
  EXPECT_FALSE(training_state_from_json(damaged).has_value());
  damaged.erase("sums");
  EXPECT_FALSE(training_state_from_json(damaged).has_value());
}

}  // namespace
}  // namespace netc::runtime
