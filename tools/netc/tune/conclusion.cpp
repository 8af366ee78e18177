#include "tools/netc/tune/conclusion.h"

#include <fmt/core.h>
#include <sys/wait.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tools/netc/tune/display.h"
#include "tools/netc/tune/importance.h"

namespace netc::tune {
namespace {

// "test (359 samples): loss 0.0471  accuracy 0.9861" as pairs.
std::vector<std::pair<std::string, double>> figures_in(const std::filesystem::path &log) {
  std::ifstream in(log);
  std::vector<std::pair<std::string, double>> figures;
  for (std::string line; std::getline(in, line);) {
    auto colon = line.find("): ");
    if (!line.starts_with("test (") || colon == std::string::npos) continue;
    std::istringstream words(line.substr(colon + 3));
    std::string name, value;
    figures.clear();
    while (words >> name >> value) figures.emplace_back(name, std::strtod(value.c_str(), nullptr));
  }
  return figures;
}

// The lowest epoch that all trials without a failure reached: their scores are compared there.
int64_t common_epochs(const std::vector<Trial> &trials) {
  int64_t least = 0;
  for (const Trial &trial : trials)
    if (trial.failure.empty() && !trial.over && trial.reached() > 0)
      least = least == 0 ? trial.reached() : std::min(least, trial.reached());
  return least;
}

std::vector<double> importance_of(const Tuner &tuner, const Search &search) {
  int64_t common = common_epochs(tuner.trials());
  std::vector<Sample> samples;
  for (const Trial &trial : tuner.trials()) {
    double score = common > 0 ? trial.best(common) : trial.best();
    if (std::isfinite(score)) samples.push_back({trial.values, score});
  }
  return importance(search.space(), samples, search.settings().seed);
}

std::string values_text(const Values &values, const Space &space) {
  std::string text;
  for (const Dimension &dimension : space.dimensions)
    if (auto value = values.find(dimension.name); value != values.end())
      text += fmt::format("  {} {}", dimension.name, value_text(value->second));
  return text;
}

}  // namespace

Conclusion conclude(Tuner &tuner, const Search &search, bool has_test) {
  Conclusion conclusion;
  conclusion.best = tuner.best();
  conclusion.importance = importance_of(tuner, search);
  if (!conclusion.best || !has_test) return conclusion;
  std::vector<size_t> measured = {*conclusion.best};
  if (*conclusion.best != 0 && search.settings().method != Method::grid) measured.push_back(0);
  for (size_t trial : measured)
    if (auto figures = tuner.measure(trial, "test", figures_in); !figures.empty())
      conclusion.tests.push_back({trial, std::move(figures)});
  return conclusion;
}

std::string summary(const Conclusion &conclusion, const Tuner &tuner, const Search &search,
                    const Objective &objective) {
  const std::vector<Trial> &trials = tuner.trials();
  auto failed = std::count_if(trials.begin(), trials.end(), [](const Trial &trial) { return !trial.failure.empty(); });
  if (!conclusion.best)
    return fmt::format("every trial failed; the first: {}\n", trials.empty() ? "" : trials[0].failure);
  const Trial &best = trials[*conclusion.best];
  std::string text = fmt::format("best: trial {}, {} {}{}\n", *conclusion.best + 1, objective.figure,
                                 figure_text(figure_of(best, objective)), values_text(best.values, search.space()));
  bool beside = search.settings().method != Method::grid && *conclusion.best != 0;
  if (beside)
    text +=
        fmt::format("the file as it stands: {} {}\n", objective.figure, figure_text(figure_of(trials[0], objective)));
  for (const TestResult &test : conclusion.tests) {
    text += fmt::format("test, {}:", test.trial == *conclusion.best ? "best" : "the file as it stands");
    for (const auto &[name, value] : test.figures) text += fmt::format("  {} {}", name, figure_text(value));
    text += "\n";
  }
  if (!conclusion.importance.empty()) {
    text += "what mattered:";
    double rest = 1;
    std::vector<std::pair<double, std::string>> order;
    for (size_t i = 0; i < conclusion.importance.size(); ++i) {
      order.emplace_back(-conclusion.importance[i], search.space().dimensions[i].name);
      rest -= conclusion.importance[i];
    }
    std::sort(order.begin(), order.end());
    for (const auto &[share, name] : order) text += fmt::format("  {} {:.0f} %", name, -100 * share);
    text += fmt::format("  together {:.0f} %\n", 100 * std::max(rest, 0.0));
  }
  if (failed > 0) text += fmt::format("{} of {} trials failed: trials.csv says why\n", failed, trials.size());
  return text;
}

}  // namespace netc::tune
