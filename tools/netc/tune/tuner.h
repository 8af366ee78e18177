// Carries out the plan of a study: compiles what is needed, trains trials in processes side by side, records what came
// of them.
#pragma once

#include <functional>
#include <map>

#include "tools/netc/build.h"
#include "tools/netc/tune/configuration.h"
#include "tools/netc/tune/study.h"
#include "tools/netc/tune/trial_process.h"

namespace netc::tune {

struct TunerSettings {
  int jobs = 1;           // trials trained at once
  int threads = 1;        // of each
  std::string data_root;  // --data DIR, or ""
};

// A trial as it is now.
struct TrialView {
  const Trial *trial = nullptr;
  size_t number = 0;  // from 0
  bool running = false, ended = false;
  int64_t until = 0;                 // the epoch it is being trained to
  std::vector<double> live_figures;  // of a running one: the objective after each epoch so far
};

// What a tuner tells while it works. Neither changes what it does.
struct TunerEvents {
  std::function<void(size_t trial)> ended;  // a trial is trained as far as it will be, or failed
  std::function<void()> tick;               // about ten times a second
};

enum class TunerEnding { complete, interrupted };

class Tuner {
 public:
  // The references outlive the tuner.
  Tuner(Study &study, const StudySettings &settings, Search search, Configurator &configurator,
        const TunerSettings &limits);

  // Until the plan is complete or SIGINT or SIGTERM came. Errors: the system (no space, no memory), the file, the data.
  Result<TunerEnding> run(const TunerEvents &events);

  const std::vector<Trial> &trials() const { return trials_; }
  const Plan &plan() const { return plan_; }
  std::vector<TrialView> views() const;  // of all trials known so far
  // The trial with the least score among those trained to the end, or among all when there is none.
  std::optional<size_t> best() const;
  // Runs `evaluate --split SPLIT` on the weights of a trial and gives what `read` makes of its output; nothing when
  // that fails. Not while run() does.
  using Figures = std::vector<std::pair<std::string, double>>;
  Figures measure(size_t trial, const std::string &split, Figures (*read)(const std::filesystem::path &log));

 private:
  struct Running {
    size_t trial;
    int64_t until;
    TrialProcess process;
    bool resumed;
  };
  void replan();
  Result<std::filesystem::path> program_of(size_t trial);
  std::optional<size_t> next_trial() const;
  Result<void> start(size_t trial);
  Result<void> finish(Running running, int status, const TunerEvents &events);
  Result<void> record(size_t trial, const std::string &failure, bool over);
  Result<void> write_table() const;
  void stop_all(bool at_once);

  Study &study_;
  const StudySettings &settings_;
  Search search_;
  Configurator &configurator_;
  TunerSettings limits_;
  std::vector<Trial> trials_;
  Plan plan_;
  std::vector<Running> running_;
  std::map<size_t, int> starts_;  // of a trial, in vain, in this run of netc
};

// The column `figure` of a history.csv, an entry an epoch; nothing when there is none.
std::vector<double> figures_of(const std::filesystem::path &history, const std::string &figure);

}  // namespace netc::tune
