// Progress: what a training shows while it runs. On a terminal one line that is redrawn at most ten times a second;
// otherwise one line an epoch.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace netc::runtime {

// What the line says. `values` belongs to `names`; shown as "loss 0.3127  accuracy 0.9012".
struct ProgressLine {
  int64_t epoch = 0, epochs = 0;   // counted from 1
  int64_t batch = 0, batches = 0;  // done, of the epoch
  std::string measured;            // "loss 0.3127  accuracy 0.9012"
  double samples_per_second = 0;   // 0: not known yet
  double seconds_left = -1;        // of the whole training; negative: not known yet
};

// The text of the line in at most `width` columns. What does not fit is left out from the right: time left, rate, the
// bar, and then the text is cut.
std::string progress_text(const ProgressLine &line, int width);

// "loss 0.3127  accuracy 0.9012"; the penalty only when it is not zero.
std::string measured_text(const std::vector<std::string> &names, const std::vector<double> &values);

class Progress {
 public:
  explicit Progress(std::FILE *out);
  // Calls `line` and draws it when it is time to.
  void update(const std::function<ProgressLine()> &line);
  // Replaces what is drawn by a line that stays.
  void print(const std::string &line);
  bool terminal() const { return terminal_; }

 private:
  std::FILE *out_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace netc::runtime
