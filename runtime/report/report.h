// Report: report.html of a run directory, a page that needs nothing beside itself (docs/report.md), and result.json,
// what came of the run in a few figures.
//
// The page is written whenever the history is, so after a kill it tells what the history tells. What the network
// answers on the validation set takes a pass over it: that is done at the end, and while training where it takes at
// most a fiftieth of the time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/load.h"
#include "runtime/io/json_text.h"
#include "runtime/train/history.h"
#include "runtime/train/program.h"
#include "runtime/train/reading.h"
#include "runtime/train/run_directory.h"
#include "runtime/train/settings.h"

namespace netc::runtime {

// [name, value, from, ...] of configuration_rows().
void write_configuration_rows(JsonText &out, const Settings &settings);

// How far a training is.
struct Standing {
  const History &history;
  const std::vector<std::string> &lines;  // of history.jsonl, one for each epoch
  int64_t best_epoch = -1;                // from 0; -1: none yet
  std::string monitor;                    // the column that decides which is the best
};

enum class RunStatus { running, interrupted, diverged, finished };

// How a training ended, or that it goes on.
struct RunEnd {
  RunStatus status = RunStatus::running;
  std::string reason;        // of an end before the last epoch, or ""
  std::vector<double> test;  // in the order of measured_names(); empty: there is no test set
};

class Report {
 public:
  // The references outlive the report.
  Report(const RunDirectory &run, Program &program, const Settings &settings, const DataSets &data);

  // Whether it is time to look() while the training goes on.
  bool look_is_due() const;
  // Asks the network, with the weights it has now: those of the end of this epoch (from 1).
  Result<void> look(int64_t epoch);
  // Writes the page and, when the training is over, result.json. Returns the reading.
  Result<Findings> write(const Standing &standing, const RunEnd &end);

 private:
  using Clock = std::chrono::steady_clock;
  void write_fixed(JsonText &out) const;
  void write_standing(JsonText &out, const Standing &standing, const RunEnd &end) const;

  const RunDirectory &run_;
  Program &program_;
  const Settings &settings_;
  const DataSets &data_;
  Facts facts_;
  std::string fixed_;        // members of the page that do not change
  std::string predictions_;  // an object; "": none yet
  std::optional<Answers> answers_;
  Clock::time_point looked_ = Clock::now();
  Clock::duration look_takes_{};
};

}  // namespace netc::runtime
