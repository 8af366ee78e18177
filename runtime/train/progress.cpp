#include "runtime/train/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/cli/text.h"

namespace netc::runtime {
namespace {

int terminal_width(std::FILE *out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string measured_text(const std::vector<std::string> &names, const std::vector<double> &values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) {
    if (names[i].ends_with("penalty") && values[i] == 0) continue;
    text += (text.empty() ? "" : "  ") + names[i] + " " + short_number(values[i]);
  }
  return text;
}

std::string progress_text(const ProgressLine &line, int width) {
  auto room = static_cast<size_t>(std::max(width - 1, 0));  // a full last column makes some terminals wrap
  std::string text = format("epoch %lld/%lld", static_cast<long long>(line.epoch), static_cast<long long>(line.epochs));
  double share = line.batches > 0 ? static_cast<double>(line.batch) / static_cast<double>(line.batches) : 0;
  std::string percent = format(" %3.0f%%", 100 * share);
  constexpr int kBar = 20;
  int filled = static_cast<int>(share * kBar);
  std::string bar = " [" + std::string(filled, '#') + std::string(kBar - filled, '.') + "]";
  std::string measured = line.measured.empty() ? "" : "  " + line.measured;
  std::string rate = line.samples_per_second > 0 ? "  " + rate_text(line.samples_per_second) : "";
  std::string left = line.seconds_left >= 0 ? "  " + duration_text(line.seconds_left) + " left" : "";
  for (std::string *part : {&left, &rate, &bar}) {
    if (text.size() + percent.size() + bar.size() + measured.size() + rate.size() + left.size() > room) part->clear();
  }
  text += percent + bar + measured + rate + left;
  return text.substr(0, room);
}

Progress::Progress(std::FILE *out) : out_(out), terminal_(isatty(fileno(out)) == 1) {}

void Progress::update(const std::function<ProgressLine()> &line) {
  if (!terminal_) return;
  auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(100);
  std::fprintf(out_, "\r%s\x1b[K", progress_text(line(), terminal_width(out_)).c_str());
  std::fflush(out_);
  drawn_ = true;
}

void Progress::print(const std::string &line) {
  std::fprintf(out_, "%s%s\n", drawn_ ? "\r\x1b[K" : "", line.c_str());
  std::fflush(out_);
  drawn_ = false;
}

}  // namespace netc::runtime
