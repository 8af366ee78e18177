// The learning-rate range test: the rate rises exponentially from step to step, and the loss tells which rates are too
// low (it stands still), good (it falls) and too high (it rises).
//
// Sources: Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3; the exponential rise and
// the rate of the steepest descent: Gugger, "How do you find a good learning rate" (2018).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "runtime/data/load.h"
#include "runtime/train/program.h"
#include "runtime/train/settings.h"

namespace netc::runtime {

struct RangeTestOptions {
  double least = 1e-6, greatest = 10;  // rates; 0 < least < greatest
  int64_t steps = 100;                 // at least 10
};

struct RangeTest {
  std::vector<double> rates;
  std::vector<double> losses;       // smoothed, one for each rate
  std::optional<double> suggested;  // where the loss falls fastest; none: it never fell
  bool diverged = false;            // the loss grew beyond four times its least: the test ended there
};

// Trains from the weights as they are, which are others afterwards, on the shuffled batches of the training. `after` is
// told the number of steps done. Errors: memory, data.
Result<RangeTest> run_range_test(Program &program, const Settings &settings, const DataSets &data,
                                 const RangeTestOptions &options, const std::function<void(int64_t)> &after = {});

// From the losses of the steps to the smoothed curve and the suggestion.
void conclude(RangeTest &test, const std::vector<double> &losses);

}  // namespace netc::runtime
