// The plan of a study: which trials there are and how far each is to be trained, given what is known of them.
//
// It is a function of the results alone: asked with the same results it answers the same, whatever was asked before. So
// the order in which trials end, the number of processes and kills change nothing: a decision that depends on results
// waits until all of them are there.
//
//   random, grid   independent trials, each trained to the end
//   tpe            a trial is drawn from the results of the trials `parallel` or more places before it
//   halving        successive halving: K. Jamieson, A. Talwalkar, "Non-stochastic best arm identification and
//                  hyperparameter optimization", AISTATS 2016
//   hyperband      L. Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 2018
//
// The first trial of all but the grid is the file as it stands: what is found is at least as good.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/netc/tune/space.h"

namespace netc::tune {

enum class Method { random, grid, halving, hyperband, tpe };

struct SearchSettings {
  Method method = Method::random;
  int64_t trials = 10;   // random, tpe, halving
  int64_t steps = 3;     // grid
  int64_t factor = 3;    // halving, hyperband: the best 1/factor go on
  int64_t rounds = 1;    // hyperband
  int64_t startup = 10;  // tpe: independent draws first
  int64_t parallel = 4;  // tpe, median: see above
  bool median = false;   // random, tpe, grid: the median rule
  int64_t epochs = 1;    // of a whole trial
  uint64_t seed = 0;
};

struct Trial {
  Values values;
  std::vector<double> scores;  // after each epoch so far; lower is better, infinite when it is no number
  bool over = false;           // it cannot be trained further: all its epochs, stopped by itself, failed
  std::string failure;         // why it failed, or ""

  int64_t reached() const { return static_cast<int64_t>(scores.size()); }
  // The least score of the first `epochs` epochs; infinite when there is none, or the trial failed.
  double best(int64_t epochs) const;
  double best() const { return best(reached()); }
};

struct Plan {
  std::vector<int64_t> until;  // for each trial: the epoch to train it to, as far as can be said now
  std::vector<bool> ended;     // for each trial: it has been trained as far as it will be
  bool complete = false;       // all trials have, and no other will come
  int64_t total = 0;           // trials there will be
};

// A rung of successive halving: so many trials are trained until this epoch.
struct Rung {
  int64_t trials = 0, epochs = 0;
};
// The rungs of a bracket that begins with `trials` trials of epochs / factor^s, s the number of times they can be
// divided by `factor`. Rungs of the same epochs are one.
std::vector<Rung> halving_rungs(int64_t trials, int64_t epochs, int64_t factor);
// The brackets of hyperband, the one with the most trials first.
std::vector<std::vector<Rung>> hyperband_brackets(int64_t epochs, int64_t factor);

class Search {
 public:
  // An error when the space has no dimension or the grid is too large.
  static Result<Search> create(Space space, const SearchSettings &settings);

  // Appends the trials that can be drawn now.
  Plan plan(std::vector<Trial> &trials) const;
  const Space &space() const { return space_; }
  const SearchSettings &settings() const { return settings_; }

 private:
  Search(Space space, const SearchSettings &settings) : space_(std::move(space)), settings_(settings) {}
  std::optional<Values> draw_new(const std::vector<Trial> &trials, const Plan &plan) const;
  bool may_draw(size_t trial, const Plan &plan) const;
  void plan_in_order(std::vector<Trial> &trials, Plan &plan) const;
  void apply_median_rule(const std::vector<Trial> &trials, size_t trial, Plan &plan) const;
  void plan_brackets(std::vector<Trial> &trials, Plan &plan) const;

  Space space_;
  SearchSettings settings_;
  std::vector<Values> grid_;
};

}  // namespace netc::tune
