// TrainingState: all that a training knows besides its weights. With the weights it decides every later step, so a run
// continued from a checkpoint is the uninterrupted run, bit by bit. It holds no times but what a time limit needs.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/train/history.h"
#include "runtime/train/measure.h"

namespace netc::runtime {

struct TrainingState {
  int64_t step = 0;   // training steps done
  int64_t epoch = 0;  // epochs over, history.epochs.size()
  int64_t batch = 0;  // batches of the current epoch done
  Sums sums;          // over these batches
  double learning_rate_scale = 1;
  double elapsed = 0;        // seconds, counted only under a time limit
  std::string stopped;       // why a callback ended the training, or ""
  nlohmann::json callbacks;  // Callbacks::state()
  History history;
};

nlohmann::json to_json(const TrainingState &state);
Result<TrainingState> training_state_from_json(const nlohmann::json &json);

}  // namespace netc::runtime
