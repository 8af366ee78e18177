#include "runtime/train/state.h"

#include "runtime/train/values.h"

namespace netc::runtime {

using nlohmann::json;

json to_json(const TrainingState &state) {
  return {{"step", state.step},
          {"epoch", state.epoch},
          {"batch", state.batch},
          {"sums", state.sums.to_json()},
          {"learning_rate_scale", number_to_json(state.learning_rate_scale)},
          {"elapsed", state.elapsed},
          {"stopped", state.stopped},
          {"callbacks", state.callbacks},
          {"history", state.history.to_json()}};
}

Result<TrainingState> training_state_from_json(const json &value) try {
  TrainingState state;
  state.step = value.at("step");
  state.epoch = value.at("epoch");
  state.batch = value.at("batch");
  state.learning_rate_scale = number_from_json(value.at("learning_rate_scale"));
  state.elapsed = value.at("elapsed");
  state.stopped = value.at("stopped");
  state.callbacks = value.at("callbacks");
  auto sums = sums_from_json(value.at("sums"));
  if (!sums) return tl::unexpected(sums.error());
  state.sums = std::move(*sums);
  auto history = history_from_json(value.at("history"));
  if (!history) return tl::unexpected(history.error());
  state.history = std::move(*history);
  if (state.epoch != static_cast<int64_t>(state.history.epochs.size()) || state.step < 0 || state.batch < 0) {
    return fail("the state in the checkpoint is damaged");
  }
  return state;
} catch (const json::exception &) {
  return fail("the state in the checkpoint is damaged");
}

}  // namespace netc::runtime
