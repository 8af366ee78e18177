// Callbacks: what happens at the end of an epoch because of what was measured. Names, defaults and behaviour are those
// of Keras 3 where it has them.
//
//   early_stopping(monitor = val_loss, patience = 0, min_delta = 0, mode = auto, baseline = none,
//                  restore_best_weights = false, start_from_epoch = 0)
//   checkpoint(monitor, mode = auto, keep = best or last or all, every = n epochs)
//   reduce_lr_on_plateau(monitor = val_loss, factor = 0.1, patience = 10, min_delta = 1e-4, cooldown = 0, mode = auto,
//                  min_lr = 0, min_scale = 0)   min_scale: the least share of the scheduled learning rate
//   swap_to_averaged_weights(swap_on_epoch = true)   Keras: SwapEMAWeights, there with swap_on_epoch = false
//   terminate_on_nan, csv_logger, tensorboard, progress, time_limit(2 h)
//
// Without validation data the monitor is `loss` unless the file names one.
// The best and the last checkpoint are always kept; history.csv is always written.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/train/history.h"
#include "support/result.h"

namespace netc::runtime {

// Watches one column of the history for its best value.
struct Best {
  std::string monitor;
  bool higher_is_better = false;
  double min_delta = 0;  // a smaller gain does not count
  int64_t start_from_epoch = 0;
  std::optional<double> value;  // none yet
  int64_t epoch = -1;

  // Whether the value of this epoch (from 0) is the best so far; it is remembered then.
  bool update(const History &history, int64_t at_epoch);
  bool same_as(const Best &other) const;
};

struct EarlyStopping {
  Best best;
  int64_t patience = 0;
  bool restore_best_weights = false;
  std::optional<double> baseline;  // an improvement counts from this value on
  int64_t wait = 0;

  bool beats_baseline() const;
};

struct ReduceOnPlateau {
  Best best;
  double factor = 0.1;
  int64_t patience = 10, cooldown = 0;
  double min_scale = 0, min_lr = 0;
  int64_t wait = 0, cooling = 0;
};

// What the loop has to do after an epoch.
struct EpochActions {
  std::vector<std::string> save;  // files of the folder of checkpoints to write the weights to
  std::string stop;               // the reason to stop, or ""
  double learning_rate_factor = 1;
};

class Callbacks {
 public:
  // `list` is the value of `callbacks` or null; the columns decide what can be monitored. Errors are of usage.
  static Result<Callbacks> create(const nlohmann::json &list, const nlohmann::json &metrics, const History &history);

  // After the epoch's values were added to the history. `scale` is the learning rate's scale now; `elapsed` in seconds.
  EpochActions epoch_end(const History &history, double scale, double elapsed);

  bool terminate_on_nan() const { return terminate_on_nan_; }
  // Whether validation measures the moving averages of the weights, and whether the files of checkpoints hold them.
  bool measures_averages() const { return measures_averages_; }
  bool keeps_averages() const { return keeps_averages_; }
  bool tensorboard() const { return tensorboard_; }
  std::optional<double> time_limit() const { return time_limit_; }  // seconds
  const Best &best() const { return best_; }
  // The file with the weights that the training ends with, in the folder of checkpoints, and its epoch (from 0).
  std::string result_file() const;
  int64_t result_epoch() const;

  nlohmann::json state() const;
  // False: the state is not one of these callbacks.
  bool restore(const nlohmann::json &state);

 private:
  bool keeps_own_weights(const EarlyStopping &stopping) const;
  Best best_;  // of best.safetensors
  std::vector<EarlyStopping> early_stopping_;
  std::vector<ReduceOnPlateau> reduce_;
  std::vector<int64_t> every_;  // a checkpoint of its own each n epochs
  std::optional<double> time_limit_;
  bool terminate_on_nan_ = false;
  bool measures_averages_ = false, keeps_averages_ = false;
  bool tensorboard_ = false;
};

}  // namespace netc::runtime
