#include "tools/netc/tune/tuner.h"

#include <fmt/core.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <limits>
#include <sstream>

#include "runtime/io/file.h"
#include "support/utf8.h"

namespace netc::tune {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// The exit codes of a program that matter here (docs/program.md).
constexpr int kDone = 0, kUsage = 2, kDiverged = 4, kCannotExecute = 127;
constexpr int kMostStarts = 3;

// SIGCHLD, SIGINT and SIGTERM wait until they are asked for, while it lives.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigemptyset(&set_);
    for (int signal : {SIGCHLD, SIGINT, SIGTERM}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld &) = delete;
  SignalsHeld &operator=(const SignalsHeld &) = delete;
  // The next of them, or 0 after a tenth of a second.
  int next() const {
    timespec wait{0, 100'000'000};
    int signal = sigtimedwait(&set_, nullptr, &wait);
    return std::max(signal, 0);
  }

 private:
  sigset_t set_{}, before_{};
};

double seconds_of(const fs::path &history) {
  std::ifstream in(history);
  double seconds = 0;
  for (std::string line; std::getline(in, line);) {
    json epoch = json::parse(line, nullptr, false);
    if (epoch.is_object() && epoch.contains("seconds") && epoch["seconds"].is_number())
      seconds += epoch["seconds"].get<double>();
  }
  return seconds;
}

std::string csv_field(const std::string &text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void remove_checkpoints(const fs::path &run) {
  std::error_code code;
  fs::remove_all(run / "checkpoints", code);
}

}  // namespace

std::vector<double> figures_of(const fs::path &history, const std::string &figure) {
  std::ifstream in(history);
  std::string line, name;
  std::getline(in, line);
  std::istringstream header(line);
  int column = -1;
  for (int i = 0; std::getline(header, name, ','); ++i)
    if (name == figure) column = i;
  std::vector<double> figures;
  if (column < 0) return figures;
  while (std::getline(in, line)) {
    std::istringstream row(line);
    std::string field;
    for (int i = 0; i <= column; ++i) std::getline(row, field, ',');
    figures.push_back(field == "nan" ? std::numeric_limits<double>::quiet_NaN() : std::strtod(field.c_str(), nullptr));
  }
  return figures;
}

Tuner::Tuner(Study &study, const StudySettings &settings, Search search, Configurator &configurator,
             const TunerSettings &limits)
    : study_(study), settings_(settings), search_(std::move(search)), configurator_(configurator), limits_(limits) {
  replan();
}

// Draws the trials that can be drawn and gives them what is recorded, until that leads to no new ones.
void Tuner::replan() {
  size_t known = 0;
  do {
    known = trials_.size();
    for (size_t i = 0; i < trials_.size(); ++i) {
      const Record *record = study_.record(i);
      if (!record) continue;
      trials_[i].scores.clear();
      for (double figure : record->figures) trials_[i].scores.push_back(settings_.objective.score(figure));
      trials_[i].over = record->over;
      trials_[i].failure = record->failure;
    }
    plan_ = search_.plan(trials_);
  } while (trials_.size() > known);
}

std::optional<size_t> Tuner::next_trial() const {
  for (size_t i = 0; i < plan_.until.size(); ++i) {
    bool is_running =
        std::any_of(running_.begin(), running_.end(), [&](const Running &running) { return running.trial == i; });
    if (!is_running && !plan_.ended[i] && !trials_[i].over && trials_[i].reached() < plan_.until[i]) return i;
  }
  return std::nullopt;
}

Result<fs::path> Tuner::program_of(size_t trial) {
  auto configuration = configurator_.of(trials_[trial].values);
  if (!configuration) return fail(configurator_.file().string() + " has changed while it was searched");
  auto program = build_program({configurator_.file(), configuration->defines, {}, false});
  if (!program) return fail(fmt::format("trial {} cannot be compiled", trial + 1));
  return *program;
}

Result<void> Tuner::start(size_t trial) {
  auto program = program_of(trial);
  if (!program) return tl::unexpected(program.error());
  auto configuration = configurator_.of(trials_[trial].values);
  fs::path folder = study_.trial_folder(trial);
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) return fail(fmt::format("cannot make the folder {}: {}", folder.string(), code.message()));
  bool resumed = fs::exists(folder / "config.json", code);
  std::vector<std::string> words = {"train", "--threads", std::to_string(limits_.threads)};
  int64_t epochs = search_.settings().epochs;
  if (resumed) {
    words.insert(words.end(), {"--resume", folder.string()});
  } else {
    words.insert(words.end(), {"--run", folder.string(), "--epochs", std::to_string(epochs)});
    if (settings_.sample < 1) words.insert(words.end(), {"--sample", fmt::format("{}", settings_.sample)});
    for (const auto &[name, value] : configuration->settings) words.insert(words.end(), {"--set", name + "=" + value});
  }
  if (!limits_.data_root.empty()) words.insert(words.end(), {"--data", limits_.data_root});
  if (plan_.until[trial] < epochs) words.insert(words.end(), {"--pause-after", std::to_string(plan_.until[trial])});
  auto process = TrialProcess::start(*program, words, folder / "log.txt");
  if (!process) return tl::unexpected(process.error());
  running_.push_back({trial, plan_.until[trial], std::move(*process), resumed});
  return {};
}

Result<void> Tuner::record(size_t trial, const std::string &failure, bool over) {
  fs::path folder = study_.trial_folder(trial);
  Record record;
  record.trial = static_cast<int64_t>(trial);
  record.values = trials_[trial].values;
  record.figures = figures_of(folder / "history.csv", settings_.objective.figure);
  record.over = over;
  record.failure = as_utf8(failure);
  record.seconds = seconds_of(folder / "history.jsonl");
  return study_.add(std::move(record));
}

// What has become of a trial: its end is recorded, or it is left to be started again, or the study cannot go on.
Result<void> Tuner::finish(Running running, int status, const TunerEvents &events) {
  size_t trial = running.trial;
  fs::path folder = study_.trial_folder(trial);
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  bool killed = code < 0 || code > 128;
  Result<void> recorded;
  if (code == kDone) {
    auto figures = static_cast<int64_t>(figures_of(folder / "history.csv", settings_.objective.figure).size());
    if (figures == 0)
      return fail(fmt::format("the history of trial {} has no {}", trial + 1, settings_.objective.figure));
    recorded = record(trial, "", figures < running.until || figures >= search_.settings().epochs);
  } else if (code == kDiverged) {
    recorded = record(trial, running.process.complaint(status), true);
  } else if (killed || (running.resumed && code != 1 && code != kCannotExecute)) {
    // Killed by somebody, or its state is damaged: it is trained again, in the end from the start.
    if (++starts_[trial] < kMostStarts) {
      std::error_code ignored;
      if (!killed) fs::remove_all(folder, ignored);
      return {};
    }
    recorded = record(trial, running.process.complaint(status), true);
  } else if (code == kUsage) {
    recorded = record(trial, running.process.complaint(status), true);
  } else {
    return fail(fmt::format("trial {}: {}", trial + 1, running.process.complaint(status)),
                "this does not depend on the trial; mend it and run the same command again: nothing is lost");
  }
  if (!recorded) return recorded;
  std::vector<bool> ended = plan_.ended;
  replan();
  if (auto written = write_table(); !written) return written;
  auto kept = best();
  for (size_t i = 0; i < plan_.ended.size(); ++i) {
    if (!plan_.ended[i]) continue;
    if (i != 0 && i != kept) remove_checkpoints(study_.trial_folder(i));
    if ((i >= ended.size() || !ended[i]) && events.ended) events.ended(i);
  }
  return {};
}

void Tuner::stop_all(bool at_once) {
  for (const Running &running : running_) at_once ? running.process.kill() : running.process.ask_to_stop();
}

Result<TunerEnding> Tuner::run(const TunerEvents &events) {
  SignalsHeld signals;
  int interrupts = 0;
  Result<void> problem;  // the first one; then what runs is asked to stop
  while (true) {
    while (interrupts == 0 && problem && static_cast<int>(running_.size()) < limits_.jobs) {
      auto trial = next_trial();
      if (!trial) break;
      if (problem = start(*trial); !problem) stop_all(false);
    }
    if (running_.empty()) break;
    int signal = signals.next();
    if (signal == SIGINT || signal == SIGTERM) stop_all(interrupts++ > 0);
    for (size_t i = 0; i < running_.size();) {
      int status = 0;
      if (waitpid(running_[i].process.id(), &status, WNOHANG) <= 0) {
        ++i;
        continue;
      }
      Running over = std::move(running_[i]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      bool stopped = (interrupts > 0 || !problem) && !(WIFEXITED(status) && WEXITSTATUS(status) == kDone);
      if (stopped) continue;
      if (auto done = finish(std::move(over), status, events); !done && problem) {
        problem = done;
        stop_all(false);
      }
    }
    if (events.tick) events.tick();
  }
  if (!problem) return tl::unexpected(problem.error());
  if (auto written = write_table(); !written) return tl::unexpected(written.error());
  return plan_.complete ? TunerEnding::complete : TunerEnding::interrupted;
}

Tuner::Figures Tuner::measure(size_t trial, const std::string &split, Figures (*read)(const fs::path &log)) {
  auto program = program_of(trial);
  if (!program) return {};
  fs::path folder = study_.trial_folder(trial), log = folder / (split + ".txt");
  std::vector<std::string> words = {"evaluate", "--run", folder.string(), "--split", split};
  if (!limits_.data_root.empty()) words.insert(words.end(), {"--data", limits_.data_root});
  auto process = TrialProcess::start(*program, words, log);
  int status = 0;
  if (!process || waitpid(process->id(), &status, 0) < 0 || status != 0) return {};
  return read(log);
}

std::optional<size_t> Tuner::best() const {
  std::optional<size_t> best;
  for (bool whole : {true, false}) {
    for (size_t i = 0; i < trials_.size(); ++i) {
      const Trial &trial = trials_[i];
      if (!trial.failure.empty() || trial.reached() == 0) continue;
      if (whole && !trial.over && trial.reached() < search_.settings().epochs) continue;
      if (!best || trial.best() < trials_[*best].best()) best = i;
    }
    if (best) break;
  }
  return best;
}

std::vector<TrialView> Tuner::views() const {
  std::vector<TrialView> views;
  for (size_t i = 0; i < trials_.size(); ++i) {
    TrialView view{&trials_[i], i, false, i < plan_.ended.size() && plan_.ended[i], 0, {}};
    for (const Running &running : running_) {
      if (running.trial != i) continue;
      view.running = true;
      view.until = running.until;
      view.live_figures = figures_of(study_.trial_folder(i) / "history.csv", settings_.objective.figure);
    }
    views.push_back(std::move(view));
  }
  return views;
}

// The same bytes for the same results: no times.
Result<void> Tuner::write_table() const {
  std::string text = "trial,state,epochs," + settings_.objective.figure;
  for (const Dimension &dimension : search_.space().dimensions) text += "," + csv_field(dimension.name);
  text += ",reason\n";
  for (size_t i = 0; i < trials_.size(); ++i) {
    const Trial &trial = trials_[i];
    bool ended = i < plan_.ended.size() && plan_.ended[i];
    bool whole = trial.over || trial.reached() >= search_.settings().epochs;
    const char *state = !trial.failure.empty() ? "failed" : !ended ? "open" : whole ? "finished" : "pruned";
    double best = settings_.objective.higher_is_better ? -trial.best() : trial.best();
    bool known = trial.best() < std::numeric_limits<double>::infinity();
    text += fmt::format("{},{},{},{}", i + 1, state, trial.reached(), known ? fmt::format("{}", best) : "");
    for (const Dimension &dimension : search_.space().dimensions) {
      auto value = trial.values.find(dimension.name);
      text += "," + (value == trial.values.end() ? "" : csv_field(value_text(value->second)));
    }
    text += "," + csv_field(trial.failure) + "\n";
  }
  return runtime::write_file_atomically((study_.folder() / "trials.csv").string(), text);
}

}  // namespace netc::tune
