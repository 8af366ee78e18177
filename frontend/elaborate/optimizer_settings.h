// The optimizer of a train section, and the groups of weights that have settings of their own:
//
//   optimizer = adam(learning_rate = cosine(1e-3), global_clipnorm = 1)
//   groups    = [group(encoder, learning_rate_multiplier = 0.1), group("*.bias", weight_decay = none)]
//
// A weight in several groups takes the settings of all, of the later one where they differ.
#pragma once

#include "frontend/elaborate/functions.h"
#include "frontend/elaborate/steps.h"

namespace netc::elaborate {

// How one weight is updated.
struct WeightRule {
  Callable optimizer;  // without the settings the compiler sees to, its arguments by name
  Datum rate;          // the schedule, times the group's multiplier, times what callbacks have lowered it to
};

class OptimizerSettings {
 public:
  // Reports what is wrong. `interpreter` builds train_step or another function that may read runtime values.
  static std::optional<OptimizerSettings> read(Interpreter &interpreter, const ast::Section &train);

  const std::string &name() const { return optimizer_.name; }
  Span span() const { return span_; }
  // What all weights share: clipnorm, use_ema, ...; given or its default.
  Datum shared(Interpreter &interpreter, const std::string &name) const;
  // How many steps one update takes; at least 1.
  int64_t steps_per_update() const { return steps_per_update_; }
  bool averages() const { return averages_; }
  WeightRule rule_of(Interpreter &interpreter, const std::string &weight) const;
  // The optimizer's own rate, of weights in no group.
  Datum rate(Interpreter &interpreter) const;

 private:
  struct Group {
    Selection steps;
    std::vector<BoundArgument> settings;
  };
  bool read_groups(Interpreter &in, const ast::Section &train);
  std::optional<Group> read_group(Interpreter &in, const ast::Expr &expression) const;
  bool check_names(Interpreter &in, const std::vector<BoundArgument> &arguments, bool of_group) const;
  bool read_shared(Interpreter &in);

  Callable optimizer_;  // every argument by name
  std::vector<Group> groups_;
  Span span_;
  int64_t steps_per_update_ = 1;
  bool averages_ = false;
};

}  // namespace netc::elaborate
