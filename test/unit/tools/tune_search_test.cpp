#include "tools/netc/tune/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/netc/tune/draws.h"
#include "tools/netc/tune/sampler.h"

namespace netc::tune {
namespace {

using nlohmann::json;

Dimension real(const char *name, double low, double high, bool log, double value) {
  return {name, Dimension::Kind::real, low, high, log, {}, nullptr, value};
}
Space two_numbers() { return {{real("x", -5, 5, false, 4), real("y", 1e-4, 1, true, 0.5)}, {}}; }

// A trial's score falls towards its value, the faster the smaller `y` is not: curves cross.
double score_at(const Values &values, int64_t epoch) {
  double x = values.at("x"), y = values.at("y");
  return x * x + std::abs(std::log10(y) + 2) + 3.0 / static_cast<double>(epoch) * (1 + x);
}

// Carries out a plan, the trials being trained in an order drawn from `order`; at most `jobs` at once.
std::vector<Trial> carry_out(const Search &search, uint32_t order, size_t jobs, std::vector<Trial> trials = {},
                             int64_t *epochs = nullptr) {
  std::vector<size_t> running;
  for (uint32_t step = 0;; ++step) {
    Plan plan = search.plan(trials);
    for (size_t i = 0; i < plan.until.size() && running.size() < jobs; ++i)
      if (!plan.ended[i] && trials[i].reached() < plan.until[i] &&
          std::find(running.begin(), running.end(), i) == running.end())
        running.push_back(i);
    if (running.empty()) {
      EXPECT_TRUE(plan.complete);
      return trials;
    }
    double chance = draw(order, Purpose::values, step, 0, 0);
    size_t place = static_cast<size_t>(chance * static_cast<double>(running.size()));
    Trial &trial = trials[running[place]];
    while (trial.reached() < plan.until[running[place]]) {
      trial.scores.push_back(score_at(trial.values, trial.reached() + 1));
      if (epochs) ++*epochs;
    }
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(place));
  }
}

Search search_with(SearchSettings settings, Space space = two_numbers()) {
  auto search = Search::create(std::move(space), settings);
  if (!search) throw std::runtime_error(search.error().message);
  return *search;
}

void expect_same(const std::vector<Trial> &a, const std::vector<Trial> &b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].values, b[i].values) << i;
    EXPECT_EQ(a[i].scores, b[i].scores) << i;
  }
}

TEST(TuneSearch, JobsAndOrderChangeNothing) {
  SearchSettings random{.method = Method::random, .trials = 20, .epochs = 8};
  SearchSettings median = random, tpe = random, halving = random, hyperband = random;
  median.median = true;
  tpe.method = Method::tpe;
  tpe.startup = 5;
  halving.method = Method::halving;
  hyperband.method = Method::hyperband;
  SearchSettings both = tpe;
  both.median = true;
  for (const SearchSettings &settings : {random, median, tpe, both, halving, hyperband}) {
    Search search = search_with(settings);
    std::vector<Trial> alone = carry_out(search, 0, 1);
    for (uint32_t order = 1; order < 6; ++order) expect_same(alone, carry_out(search, order, 1 + order));
  }
}

TEST(TuneSearch, AStudyThatIsExtendedIsTheLongerStudy) {
  for (Method method : {Method::random, Method::tpe}) {
    SearchSettings settings{.method = method, .trials = 12, .startup = 4, .epochs = 2};
    std::vector<Trial> first = carry_out(search_with(settings), 1, 3);
    settings.trials = 25;
    Search longer = search_with(settings);
    expect_same(carry_out(longer, 2, 2, first), carry_out(longer, 0, 1));
  }
}

TEST(TuneSearch, TheFirstTrialIsTheFile) {
  for (Method method : {Method::random, Method::tpe, Method::halving, Method::hyperband}) {
    std::vector<Trial> trials;
    search_with({.method = method, .epochs = 3}).plan(trials);
    EXPECT_EQ(trials[0].values, (Values{{"x", 4.0}, {"y", 0.5}}));
  }
}

TEST(TuneSearch, NoTwoTrialsAreAlikeAndASmallSpaceEndsTheSearch) {
  Dimension choice;
  choice.name = "x";
  choice.kind = Dimension::Kind::choice;
  choice.choices = {1, 2, 3};
  choice.fallback = 2;
  Dimension flag = choice;
  flag.name = "y";
  flag.choices = {0.1, 0.2};
  flag.fallback = 0.1;
  for (Method method : {Method::random, Method::tpe}) {
    Search search =
        search_with({.method = method, .trials = 50, .startup = 2, .parallel = 2, .epochs = 1}, {{choice, flag}, {}});
    std::vector<Trial> trials = carry_out(search, 0, 1);
    std::set<Values> different;
    for (const Trial &trial : trials) different.insert(trial.values);
    EXPECT_EQ(trials.size(), 6u);
    EXPECT_EQ(different.size(), 6u);
  }
}

TEST(TuneSearch, TpeWaitsForTheTrialsItDependsOn) {
  Search search = search_with({.method = Method::tpe, .trials = 20, .startup = 3, .parallel = 2, .epochs = 1});
  std::vector<Trial> trials;
  search.plan(trials);
  EXPECT_EQ(trials.size(), 3u);  // the fourth needs the first two
  trials[1].scores = {1};
  search.plan(trials);
  EXPECT_EQ(trials.size(), 3u);
  trials[0].scores = {2};
  Plan plan = search.plan(trials);
  EXPECT_EQ(trials.size(), 4u);  // the fifth needs the third
  EXPECT_FALSE(plan.complete);
  EXPECT_EQ(plan.total, 20);
}

// Li et al., JMLR 2018, table 1: R = 81, factor 3.
TEST(TuneHyperband, BracketsOfThePaper) {
  auto brackets = hyperband_brackets(81, 3);
  std::vector<std::vector<std::pair<int64_t, int64_t>>> expected = {{{81, 1}, {27, 3}, {9, 9}, {3, 27}, {1, 81}},
                                                                    {{34, 3}, {11, 9}, {3, 27}, {1, 81}},
                                                                    {{15, 9}, {5, 27}, {1, 81}},
                                                                    {{8, 27}, {2, 81}},
                                                                    {{5, 81}}};
  ASSERT_EQ(brackets.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    std::vector<std::pair<int64_t, int64_t>> rungs;
    for (const Rung &rung : brackets[i]) rungs.emplace_back(rung.trials, rung.epochs);
    EXPECT_EQ(rungs, expected[i]) << i;
  }
}

TEST(TuneHyperband, FewEpochsMakeFewBrackets) {
  EXPECT_EQ(hyperband_brackets(1, 3).size(), 1u);
  EXPECT_EQ(hyperband_brackets(2, 3).size(), 1u);
  for (const auto &bracket : hyperband_brackets(10, 3)) EXPECT_EQ(bracket.back().epochs, 10);
}

TEST(TuneHalving, RungsDivideTrialsAndMultiplyEpochs) {
  std::vector<std::pair<int64_t, int64_t>> rungs;
  for (const Rung &rung : halving_rungs(27, 27, 3)) rungs.emplace_back(rung.trials, rung.epochs);
  EXPECT_EQ(rungs, (std::vector<std::pair<int64_t, int64_t>>{{27, 1}, {9, 3}, {3, 9}, {1, 27}}));
  rungs.clear();
  for (const Rung &rung : halving_rungs(20, 4, 4)) rungs.emplace_back(rung.trials, rung.epochs);
  EXPECT_EQ(rungs, (std::vector<std::pair<int64_t, int64_t>>{{20, 1}, {1, 4}}));  // 16 -> 4 -> 1; 1/4, 1 and 4 epochs
  EXPECT_EQ(halving_rungs(1, 5, 3).size(), 1u);
}

TEST(TuneHalving, TheBestGoOn) {
  SearchSettings settings{.method = Method::halving, .trials = 9, .epochs = 9};
  Search search = search_with(settings);
  int64_t epochs = 0;
  std::vector<Trial> trials = carry_out(search, 3, 2, {}, &epochs);
  EXPECT_EQ(epochs, 9 * 1 + 3 * 2 + 1 * 6);
  std::vector<size_t> order(9);
  for (size_t i = 0; i < 9; ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return trials[a].best(1) < trials[b].best(1); });
  for (size_t i = 0; i < 9; ++i) EXPECT_EQ(trials[order[i]].reached() > 1, i < 3) << i;
}

TEST(TuneHalving, FailedTrialsDoNotGoOn) {
  Search search = search_with({.method = Method::halving, .trials = 3, .epochs = 3});
  std::vector<Trial> trials;
  search.plan(trials);
  for (Trial &trial : trials) trial.scores = {1};
  trials[0].scores = {-10};
  trials[0].over = true;
  trials[0].failure = "diverged";
  Plan plan = search.plan(trials);
  EXPECT_EQ(plan.until, (std::vector<int64_t>{1, 3, 1}));
  EXPECT_TRUE(plan.ended[0]);
  EXPECT_FALSE(plan.ended[1]);
}

TEST(TuneMedian, WhatIsWorseThanTheMiddleEnds) {
  Search search = search_with({.method = Method::random, .trials = 8, .parallel = 1, .median = true, .epochs = 8});
  std::vector<Trial> trials;
  search.plan(trials);
  for (size_t i = 0; i < 5; ++i) trials[i].scores.assign(8, static_cast<double>(i));  // the median is 2
  trials[5].scores = {9, 2};
  trials[6].scores = {9, 2.5};
  trials[7].scores = {9};
  Plan plan = search.plan(trials);
  EXPECT_EQ(plan.until[5], 4);  // as good as the middle one: until the next quarter
  EXPECT_FALSE(plan.ended[5]);
  EXPECT_EQ(plan.until[6], 2);
  EXPECT_TRUE(plan.ended[6]);
  EXPECT_EQ(plan.until[7], 2);
  EXPECT_FALSE(plan.ended[7]);
}

TEST(TuneMedian, WaitsForEarlierTrials) {
  Search search = search_with({.method = Method::random, .trials = 7, .parallel = 1, .median = true, .epochs = 4});
  std::vector<Trial> trials;
  search.plan(trials);
  for (size_t i = 0; i < 7; ++i) trials[i].scores.assign(1, 7.0 - static_cast<double>(i));
  trials[3].scores.clear();
  Plan plan = search.plan(trials);
  EXPECT_EQ(plan.until[2], 4 * 2 / 4);  // fewer than five before it: no rule yet
  EXPECT_EQ(plan.until[6], 1);
  EXPECT_FALSE(plan.ended[6]);
}

TEST(TuneSearch, NothingToSearchIsAnError) {
  auto search = Search::create({}, {});
  ASSERT_FALSE(search);
  EXPECT_EQ(search.error().message, "there is nothing to search: no param has a space");
}

// The best score of a search by the end.
double outcome(const Search &search, double (*function)(const Values &)) {
  std::vector<Trial> trials;
  double best = 1e9;
  while (true) {
    Plan plan = search.plan(trials);
    if (plan.complete) return best;
    for (size_t i = 0; i < plan.until.size(); ++i)
      if (trials[i].scores.empty()) {
        trials[i].scores = {function(trials[i].values)};
        best = std::min(best, trials[i].scores[0]);
      }
  }
}

double bowl(const Values &values) {
  double x = values.at("x"), y = values.at("y");
  return (x - 1) * (x - 1) + 2 * std::pow(std::log10(y) + 2.5, 2);
}
// Branin's function over x in [-5, 10], y in [0, 15], here stretched over the space: three minima of 0.398.
double branin(const Values &values) {
  double x = 7.5 + 1.5 * (values.at("x").get<double>() - 3.33),
         y = (std::log10(values.at("y").get<double>()) + 4) * 3.75;
  double pi = std::acos(-1.0);
  double inner = y - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
  return inner * inner + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}
double mixed(const Values &values) {
  double penalty = values.at("rule") == "b" ? 0 : values.at("rule") == "a" ? 1 : 3;
  double momentum = values.count("momentum") ? std::abs(values.at("momentum").get<double>() - 0.8) : 1;
  return bowl(values) + penalty + 2 * momentum + std::abs(values.at("depth").get<double>() - 6) / 2;
}

Space mixed_space() {
  Space space = two_numbers();
  Dimension rule;
  rule.name = "rule";
  rule.kind = Dimension::Kind::choice;
  rule.choices = {"a", "b", "c", "d"};
  rule.fallback = "c";
  Dimension momentum = real("momentum", 0.5, 0.99, false, 0.9);
  momentum.condition = {{"op", "=="}, {"operands", {{{"param", "rule"}}, "b"}}};
  Dimension depth{"depth", Dimension::Kind::integer, 1, 12, false, {}, nullptr, 2};
  for (Dimension &dimension : std::vector<Dimension>{rule, momentum, depth}) space.dimensions.push_back(dimension);
  return space;
}

TEST(TuneTpe, IsBetterThanChanceOnAverage) {
  struct Case {
    const char *name;
    double (*function)(const Values &);
    Space space;
    double share;  // of the mean outcome of chance that is reached at least
  };
  for (const Case &test : {Case{"bowl", bowl, two_numbers(), 0.5}, Case{"branin", branin, two_numbers(), 0.7},
                           Case{"mixed", mixed, mixed_space(), 0.6}}) {
    double by_chance = 0, by_tpe = 0;
    int wins = 0;
    constexpr int kStudies = 20;
    for (uint64_t seed = 0; seed < kStudies; ++seed) {
      SearchSettings settings{.method = Method::random, .trials = 60, .epochs = 1, .seed = seed};
      double chance = outcome(search_with(settings, test.space), test.function);
      settings.method = Method::tpe;
      double tpe = outcome(search_with(settings, test.space), test.function);
      by_chance += chance / kStudies;
      by_tpe += tpe / kStudies;
      wins += tpe < chance;
    }
    EXPECT_LT(by_tpe, test.share * by_chance) << test.name << ", wins " << wins;
    EXPECT_GE(wins, 14) << test.name;
  }
}

TEST(TuneTpe, FailuresAreKeptAwayFrom) {
  Search search = search_with({.method = Method::tpe, .trials = 60, .startup = 10, .parallel = 1, .epochs = 1});
  std::vector<Trial> trials;
  while (true) {
    Plan plan = search.plan(trials);
    if (plan.complete) break;
    for (Trial &trial : trials) {
      if (trial.over || trial.reached() > 0) continue;
      double x = trial.values.at("x");
      trial.scores = {(x + 2) * (x + 2)};
      if (x > 0) trial.over = true, trial.failure = "diverged";
    }
  }
  auto failed = [&](size_t begin, size_t end) {
    return std::count_if(trials.begin() + static_cast<std::ptrdiff_t>(begin),
                         trials.begin() + static_cast<std::ptrdiff_t>(end),
                         [](const Trial &trial) { return !trial.failure.empty(); });
  };
  EXPECT_GE(failed(0, 10), 3);
  EXPECT_LE(failed(30, 60), 6);
}

}  // namespace
}  // namespace netc::tune
