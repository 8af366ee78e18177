// The reading: what the curves of a training say, in words, and what to try. docs/report.md tells every rule with its
// thresholds; the thresholds themselves are the constants at the top of reading.cpp and reading_layers.cpp.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/train/history.h"

namespace netc::runtime {

// A line of diagnostics.jsonl.
struct LayerDiagnostics {
  std::string name;
  double gradient_norm = 0, weight_norm = 0;
  double update_ratio = 0;      // |update| / |weight| of the last step
  int64_t units = 0, dead = 0;  // of a layer with a relu-like activation; 0 units: it has none
};
struct EpochDiagnostics {
  int64_t epoch = 0;  // from 1
  std::vector<LayerDiagnostics> layers;
};
// None when the value is no such line.
std::optional<EpochDiagnostics> diagnostics_from_json(const nlohmann::json &line);

// What the program does already, so that nothing is advised twice.
struct Facts {
  std::string optimizer;        // its text: "adam(learning_rate = lr)"
  std::string rate_parameter;   // the param the learning rate is, or ""
  int64_t classes = 0;          // of the first output; 0: it has none
  bool guess_is_known = false;  // the loss of a guess is ln(classes)
  int64_t steps_per_epoch = 0;
  int64_t batch_size = 0;
  bool pictures = false, augments = false, normalises = false;
  bool batch_norm = false, dropout = false;
  bool early_stopping = false, reduces_rate = false, clips = false;
  std::vector<std::string> higher_is_better;  // the metrics of which more is better
};

// What the network says of a set of samples with classes.
struct Answers {
  std::string most_given;                   // the class it names most often
  double share_given = 0, share_right = 0;  // how often it names it, and how often that would be right
};

// What a training has left to judge it by. The references outlive it.
struct Evidence {
  const History &history;  // from the first epoch on
  const Facts &facts;
  std::vector<EpochDiagnostics> diagnostics;
  std::string diverged;        // why, or ""
  bool over = false;           // no further epoch will come
  bool stopped_early = false;  // before the epochs that were asked for
  double suggested_rate = 0;   // of the range test; 0: there was none
  std::optional<Answers> answers;
};

// Ordered by weight: what to mend first has the highest.
enum class Level { good, note, warning, problem };
const char *level_name(Level level);

struct Advice {
  const char *text;  // "let part of the units drop out"
  std::string line;  // of `.net` or of a command line; "" when the text says it all
};

struct Finding {
  const char *kind = "";  // "overfitting"
  Level level = Level::note;
  int64_t epoch = 0;  // from 1; 0: of the whole training
  std::string text;
  std::vector<Advice> advice;

  void advise(const char *what, const char *line = "");
};

// The most serious findings first. None while there are fewer than three epochs to read.
class Findings {
 public:
  [[gnu::format(printf, 5, 6)]] Finding &add(const char *kind, Level level, int64_t epoch, const char *pattern, ...);
  bool trouble() const { return !list_.empty() && list_.front().level >= Level::warning; }
  const std::vector<Finding> &list() const { return list_; }

 private:
  std::vector<Finding> list_;
};
Findings read_training(const Evidence &evidence);

// The part of read_training() that looks at gradients, weights and dead units.
void read_layers(const Evidence &evidence, Findings &findings);
// Advises a learning rate of `factor` times what it was, or the one that the range test found.
void advise_rate(const Evidence &evidence, double factor, Finding &finding);

}  // namespace netc::runtime
