#include "tools/netc/tune/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "tools/netc/tune/sampler.h"
#include "tools/netc/tune/tpe.h"

namespace netc::tune {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr uint32_t kProposals = 10;    // of the model, before it is asked no more for values that are new
constexpr uint32_t kAttempts = 1000;   // at random, before the space counts as used up
constexpr size_t kLeastForMedian = 5;  // trials that the middle one is taken of

}  // namespace

double Trial::best(int64_t epochs) const {
  if (!failure.empty()) return kInfinity;
  double least = kInfinity;
  for (int64_t epoch = 0; epoch < std::min(epochs, reached()); ++epoch)
    least = std::min(least, scores[static_cast<size_t>(epoch)]);
  return least;
}

std::vector<Rung> halving_rungs(int64_t trials, int64_t epochs, int64_t factor) {
  int64_t times = 0;
  for (int64_t left = trials; left >= factor; left /= factor) ++times;
  std::vector<Rung> rungs;
  for (int64_t i = 0; i <= times; ++i) {
    double share = std::pow(static_cast<double>(factor), static_cast<double>(i - times));
    auto until = std::max<int64_t>(1, std::llround(static_cast<double>(epochs) * share));
    int64_t kept = trials / static_cast<int64_t>(std::llround(std::pow(factor, i)));
    if (!rungs.empty() && rungs.back().epochs == until) continue;
    rungs.push_back({rungs.empty() ? trials : kept, until});
  }
  return rungs;
}

std::vector<std::vector<Rung>> hyperband_brackets(int64_t epochs, int64_t factor) {
  int64_t most = 0;
  for (int64_t left = epochs; left >= factor; left /= factor) ++most;
  std::vector<std::vector<Rung>> brackets;
  for (int64_t s = most; s >= 0; --s) {
    double power = std::pow(static_cast<double>(factor), static_cast<double>(s));
    // The budget of each bracket is (most + 1) whole trainings.
    double share = static_cast<double>(most + 1) * power / static_cast<double>(s + 1);
    auto trials = static_cast<int64_t>(std::ceil(share - 1e-9));
    std::vector<Rung> rungs;
    for (int64_t i = 0; i <= s; ++i) {
      double shrink = std::pow(static_cast<double>(factor), static_cast<double>(i));
      auto kept = static_cast<int64_t>(std::floor(static_cast<double>(trials) / shrink + 1e-9));
      auto until = std::max<int64_t>(1, std::llround(static_cast<double>(epochs) / power * shrink));
      rungs.push_back({kept, until});
    }
    brackets.push_back(std::move(rungs));
  }
  return brackets;
}

Result<Search> Search::create(Space space, const SearchSettings &settings) {
  if (space.dimensions.empty())
    return fail("there is nothing to search: no param has a space", "param lr = 1e-3 in log 1e-4 .. 1e-2");
  Search search(std::move(space), settings);
  if (settings.method == Method::grid) {
    auto grid = grid_values(search.space_, settings.steps);
    if (!grid) return tl::unexpected(grid.error());
    search.grid_ = std::move(*grid);
  }
  return search;
}

Plan Search::plan(std::vector<Trial> &trials) const {
  Plan plan;
  if (settings_.method == Method::halving || settings_.method == Method::hyperband)
    plan_brackets(trials, plan);
  else
    plan_in_order(trials, plan);
  plan.complete = static_cast<int64_t>(trials.size()) == plan.total &&
                  std::all_of(plan.ended.begin(), plan.ended.end(), [](bool ended) { return ended; });
  return plan;
}

// Values that no trial before has: the same values give the same result.
std::optional<Values> Search::draw_new(const std::vector<Trial> &trials, const Plan &plan) const {
  auto index = static_cast<int64_t>(trials.size());
  auto is_new = [&](const Values &values) {
    return std::none_of(trials.begin(), trials.end(), [&](const Trial &trial) { return trial.values == values; });
  };
  if (settings_.method == Method::grid) return grid_[trials.size()];
  if (index == 0) return file_values(space_);
  auto number = static_cast<uint32_t>(index);
  if (settings_.method == Method::tpe && index >= settings_.startup) {
    std::vector<Observation> known;
    for (int64_t i = 0; i <= index - settings_.parallel; ++i) {
      const Trial &trial = trials[static_cast<size_t>(i)];
      // A trial that the median rule ended is worse than it looks.
      bool whole = trial.over || trial.reached() >= settings_.epochs;
      known.push_back({trial.values, plan.ended[static_cast<size_t>(i)] && !whole ? kInfinity : trial.best()});
    }
    for (uint32_t attempt = 0; attempt < kProposals && !known.empty(); ++attempt)
      if (Values values = tpe_values(space_, known, settings_.seed, number, attempt); is_new(values)) return values;
  }
  for (uint32_t attempt = 0; attempt < kAttempts; ++attempt)
    if (Values values = random_values(space_, settings_.seed, number, attempt); is_new(values)) return values;
  return std::nullopt;
}

bool Search::may_draw(size_t trial, const Plan &plan) const {
  if (settings_.method != Method::tpe || static_cast<int64_t>(trial) < settings_.startup) return true;
  for (int64_t i = 0; i <= static_cast<int64_t>(trial) - settings_.parallel; ++i)
    if (!plan.ended[static_cast<size_t>(i)]) return false;
  return true;
}

void Search::plan_in_order(std::vector<Trial> &trials, Plan &plan) const {
  plan.total = settings_.method == Method::grid ? static_cast<int64_t>(grid_.size()) : settings_.trials;
  for (size_t i = 0; static_cast<int64_t>(i) < plan.total; ++i) {
    if (i == trials.size()) {
      if (!may_draw(i, plan)) return;
      auto values = draw_new(trials, plan);
      if (!values) {
        plan.total = static_cast<int64_t>(i);
        return;
      }
      trials.push_back({std::move(*values), {}, false, {}});
    }
    plan.until.push_back(settings_.epochs);
    plan.ended.push_back(trials[i].over || trials[i].reached() >= settings_.epochs);
    if (settings_.median) apply_median_rule(trials, i, plan);
  }
}

// After each quarter but the last: a trial whose best score so far is worse than the median of those that the trials at
// least `parallel` places before it had at that epoch ends there (D. Golovin et al., "Google Vizier", KDD 2017).
void Search::apply_median_rule(const std::vector<Trial> &trials, size_t trial, Plan &plan) const {
  const Trial &own = trials[trial];
  if (plan.ended[trial] && own.over) return;
  auto known = static_cast<int64_t>(trial) - settings_.parallel + 1;
  for (int64_t quarter = 1; quarter < 4; ++quarter) {
    int64_t epoch = settings_.epochs * quarter / 4;
    if (epoch < 1) continue;
    std::vector<double> others;
    bool waits = own.reached() < epoch;
    for (int64_t i = 0; i < known; ++i) {
      const Trial &other = trials[static_cast<size_t>(i)];
      if (other.reached() >= epoch || other.over)
        others.push_back(other.best(epoch));
      else if (!plan.ended[static_cast<size_t>(i)])
        waits = true;
    }
    if (waits) {
      plan.until[trial] = epoch;
      plan.ended[trial] = false;
      return;
    }
    if (others.size() < kLeastForMedian) continue;
    std::sort(others.begin(), others.end());
    double median = (others[(others.size() - 1) / 2] + others[others.size() / 2]) / 2;
    if (own.best(epoch) > median) {
      plan.until[trial] = epoch;
      plan.ended[trial] = true;
      return;
    }
  }
}

void Search::plan_brackets(std::vector<Trial> &trials, Plan &plan) const {
  std::vector<std::vector<Rung>> brackets;
  if (settings_.method == Method::halving) {
    brackets.push_back(halving_rungs(settings_.trials, settings_.epochs, settings_.factor));
  } else {
    for (int64_t round = 0; round < settings_.rounds; ++round)
      for (auto &bracket : hyperband_brackets(settings_.epochs, settings_.factor)) brackets.push_back(bracket);
  }
  size_t begin = 0;
  for (const std::vector<Rung> &rungs : brackets) {
    size_t end = begin + static_cast<size_t>(rungs[0].trials);
    while (trials.size() < end) {
      auto values = draw_new(trials, plan);
      if (!values) break;
      trials.push_back({std::move(*values), {}, false, {}});
    }
    end = std::min(end, trials.size());
    plan.until.resize(end, rungs[0].epochs);
    plan.ended.resize(end, false);
    std::vector<size_t> in(end - begin);
    std::iota(in.begin(), in.end(), begin);
    for (size_t rung = 0;; ++rung) {
      int64_t epochs = rungs[rung].epochs;
      bool all_there = true;
      for (size_t i : in) {
        plan.until[i] = epochs;
        all_there &= trials[i].over || trials[i].reached() >= epochs;
      }
      bool last = rung + 1 == rungs.size();
      if (last)
        for (size_t i : in) plan.ended[i] = trials[i].over || trials[i].reached() >= epochs;
      if (last || !all_there) break;
      std::stable_sort(in.begin(), in.end(),
                       [&](size_t a, size_t b) { return trials[a].best(epochs) < trials[b].best(epochs); });
      auto kept = std::min(in.size(), static_cast<size_t>(rungs[rung + 1].trials));
      for (size_t i = kept; i < in.size(); ++i) plan.ended[in[i]] = true;
      in.resize(kept);
      std::sort(in.begin(), in.end());
    }
    begin = end;
  }
  plan.total = static_cast<int64_t>(begin);
}

}  // namespace netc::tune
