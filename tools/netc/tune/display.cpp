#include "tools/netc/tune/display.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace netc::tune {
namespace {

using Cells = std::vector<std::string>;

std::string padded(const std::string &text, size_t width, bool left) {
  std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return left ? text + space : space + text;
}

// Columns as wide as their widest cell; the last one, a remark, is not padded. Cut to `width`.
std::vector<std::string> aligned(const std::vector<Cells> &rows, int width) {
  std::vector<size_t> widths;
  for (const Cells &row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::vector<std::string> lines;
  for (const Cells &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += (i == 0 ? "" : "  ") + (i + 1 == row.size() ? row[i] : padded(row[i], widths[i], false));
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(line.substr(0, static_cast<size_t>(std::max(width, 1))));
  }
  return lines;
}

Cells cells_of(const TrialView &view, const Search &search, const Objective &objective, const std::string &remark) {
  double figure = figure_of(*view.trial, objective);
  auto epochs = view.trial->reached();
  if (view.running) {
    epochs = std::max(epochs, static_cast<int64_t>(view.live_figures.size()));
    for (double live : view.live_figures)
      if (std::isnan(figure) || objective.score(live) < objective.score(figure)) figure = live;
  }
  Cells cells = {std::to_string(view.number + 1), figure_text(figure),
                 fmt::format("{}/{}", epochs, search.settings().epochs)};
  for (const Dimension &dimension : search.space().dimensions) {
    auto value = view.trial->values.find(dimension.name);
    cells.push_back(value == view.trial->values.end() ? "-" : value_text(value->second));
  }
  cells.push_back(remark);
  return cells;
}

}  // namespace

std::string figure_text(double figure) { return std::isfinite(figure) ? fmt::format("{:.5g}", figure) : "-"; }

double figure_of(const Trial &trial, const Objective &objective) {
  double best = trial.best();
  if (!std::isfinite(best)) return std::numeric_limits<double>::quiet_NaN();
  return objective.higher_is_better ? -best : best;
}

std::vector<std::string> table_lines(const Tuner &tuner, const Search &search, const Objective &objective, int width,
                                     int height) {
  std::vector<TrialView> views = tuner.views(), running, done;
  size_t ended = 0;
  for (TrialView &view : views) {
    ended += view.ended;
    if (view.running)
      running.push_back(view);
    else if (view.trial->reached() > 0 && view.trial->failure.empty())
      done.push_back(view);
  }
  std::stable_sort(done.begin(), done.end(),
                   [](const TrialView &a, const TrialView &b) { return a.trial->best() < b.trial->best(); });
  auto best = tuner.best();
  std::stable_partition(done.begin(), done.end(), [&](const TrialView &view) { return view.number == best; });
  size_t room = static_cast<size_t>(std::max(height - 2, 1));
  size_t shown_running = std::min(running.size(), std::max<size_t>(room / 2, 1));
  done.resize(std::min(done.size(), room - std::min(room, shown_running)));
  running.resize(std::min(running.size(), room - done.size()));

  std::vector<Cells> rows(1, Cells{"trial", objective.figure, "epochs"});
  for (const Dimension &dimension : search.space().dimensions) rows[0].push_back(dimension.name);
  rows[0].emplace_back("");
  for (const TrialView &view : done)
    rows.push_back(cells_of(view, search, objective, view.number == best ? "best" : ""));
  for (const TrialView &view : running) rows.push_back(cells_of(view, search, objective, "running"));
  std::vector<std::string> lines = aligned(rows, width);
  lines.insert(lines.begin(), fmt::format("{} of {} trials ended", ended, tuner.plan().total));
  return lines;
}

Display::Display(std::FILE *out, const Tuner &tuner, const Search &search, const Objective &objective)
    : out_(out), tuner_(tuner), search_(search), objective_(objective), terminal_(isatty(fileno(out)) != 0) {}

void Display::ended(size_t trial) {
  if (terminal_) return;
  const Trial &own = tuner_.trials()[trial];
  std::string text = fmt::format("trial {} of {}: ", trial + 1, tuner_.plan().total);
  if (!own.failure.empty())
    text += "failed, " + own.failure;
  else
    text += fmt::format("{} {}, {} epoch{}", objective_.figure, figure_text(figure_of(own, objective_)), own.reached(),
                        own.reached() == 1 ? "" : "s");
  for (const auto &[name, value] : own.values) text += fmt::format("  {} {}", name, value_text(value));
  if (!own.over && own.reached() < search_.settings().epochs)
    text += "  (ended early)";
  else if (tuner_.best() == trial)
    text += "  (the best so far)";
  fmt::print(out_, "{}\n", text);
  std::fflush(out_);
}

void Display::tick() {
  if (!terminal_) return;
  winsize size{};
  if (ioctl(fileno(out_), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size = {24, 80, 0, 0};
  std::vector<std::string> lines =
      table_lines(tuner_, search_, objective_, size.ws_col - 1, std::min<int>(size.ws_row - 1, 20));
  if (lines == last_) return;
  clear();
  for (const std::string &line : lines) fmt::print(out_, "{}\n", line);
  std::fflush(out_);
  drawn_ = lines.size();
  last_ = std::move(lines);
}

void Display::clear() {
  if (drawn_ > 0) fmt::print(out_, "\x1b[{}A\x1b[J", drawn_);
  drawn_ = 0;
  last_.clear();
}

}  // namespace netc::tune
