// The training loop: epochs of steps, validation, callbacks, checkpoints.
//
// A checkpoint is taken between two steps and holds all that decides what follows, so killing the process at any moment
// and resuming changes nothing but the time. Files are written in an order such that whatever last.safetensors tells of
// is on the disk before it: first the best weights, then last.safetensors, then the history, which is made anew from
// it. Writing costs milliseconds, so epochs shorter than a second share one write; the weights to keep wait in memory.
#pragma once

#include <optional>
#include <string>

#include "runtime/data/load.h"
#include "runtime/report/report.h"
#include "runtime/train/callbacks.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/diagnose.h"
#include "runtime/train/event_log.h"
#include "runtime/train/progress.h"
#include "runtime/train/run_directory.h"
#include "runtime/train/settings.h"
#include "runtime/train/state.h"

namespace netc::runtime {

// How often the state is written besides at the end of an epoch.
struct CheckpointInterval {
  std::optional<int64_t> steps;
  std::optional<double> seconds = 60;
};

enum class Outcome { finished, interrupted, diverged, paused };

struct Ending {
  Outcome outcome = Outcome::finished;
  std::string reason;  // of a stop before the last epoch
};

class TrainingLoop {
 public:
  // All references outlive the loop. `state` is where to begin; the program has the weights that belong to it.
  TrainingLoop(Program &program, const Settings &settings, const DataSets &data, const RunDirectory &run,
               Callbacks callbacks, TrainingState state, CheckpointInterval interval, Progress &progress,
               Report &report);
  // Trains to the end, the pause that the settings ask for, the first interrupt or divergence. Errors: memory, disk.
  Result<Ending> run();
  const TrainingState &state() const { return state_; }
  const Callbacks &callbacks() const { return callbacks_; }
  Standing standing() const;
  // The columns of the history of a program.
  static std::vector<std::string> history_columns(const Program &program, bool validation);

 private:
  Result<bool> train_epoch(Ending &ending);
  Result<bool> end_epoch(Ending &ending);
  Result<double> learning_rate();
  Result<void> keep(const std::string &file, bool averages);
  Result<Ending> close(const Ending &ending);
  Result<void> write_kept();
  Result<void> save();
  Result<void> write_history();
  Result<void> diagnose();
  Result<void> write_diagnoses() const;
  bool checkpoint_due() const;
  bool weights_are_finite() const;
  bool is_over() const { return state_.epoch >= settings_.epochs.value || !state_.stopped.empty(); }
  bool is_paused() const { return !is_over() && settings_.pause_after && state_.epoch >= *settings_.pause_after; }
  ProgressLine progress_line();
  Strings strings() const;

  Program &program_;
  const Settings &settings_;
  const RunDirectory &run_;
  Callbacks callbacks_;
  TrainingState state_;
  CheckpointInterval interval_;
  Progress &progress_;
  Report &report_;
  const Function *train_step_;
  std::string config_, preparation_;  // as text
  std::vector<std::string> names_;    // what is measured
  Batches training_;
  std::optional<Batches> validation_;
  Diagnosis diagnosis_;
  struct Kept {
    Strings strings;
    std::vector<char> block;  // a copy of the weight block
  };
  std::map<std::string, Kept> kept_;                               // by file: to be written with the next save
  std::vector<std::string> lines_;                                 // of history.jsonl
  std::vector<std::string> diagnoses_;                             // lines of diagnostics.jsonl
  std::optional<EventLog> events_;                                 // for TensorBoard
  std::optional<size_t> written_epochs_;                           // in the files of the history
  int64_t samples_;                                                // of the training set
  double epoch_begin_ = 0, training_seconds_ = 0, last_save_ = 0;  // seconds of a steady clock
  int64_t last_save_step_ = 0, epoch_first_batch_ = 0;
};

}  // namespace netc::runtime
