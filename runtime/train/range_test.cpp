#include "runtime/train/range_test.h"

#include <algorithm>
#include <cmath>

#include "runtime/data/batches.h"

namespace netc::runtime {
namespace {

constexpr double kMomentum = 0.9;  // of the running mean that tells divergence
constexpr double kDivergence = 4;  // times the least running mean

// The least-squares slope of the values around `at`, per step.
double slope(const std::vector<double> &values, int64_t at, int64_t reach) {
  int64_t begin = std::max<int64_t>(at - reach, 0), end = std::min<int64_t>(at + reach + 1, std::ssize(values));
  double middle = static_cast<double>(begin + end - 1) / 2, products = 0, squares = 0;
  for (int64_t i = begin; i < end; ++i) {
    double x = static_cast<double>(i) - middle;
    products += x * values[static_cast<size_t>(i)];
    squares += x * x;
  }
  return squares > 0 ? products / squares : 0;
}

}  // namespace

void conclude(RangeTest &test, const std::vector<double> &losses) {
  int64_t count = std::ssize(losses), reach = std::max<int64_t>(2, count / 20);
  test.losses.clear();
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    int64_t begin = std::max<int64_t>(i - reach, 0), end = std::min(i + reach + 1, count);
    for (int64_t k = begin; k < end; ++k) sum += losses[static_cast<size_t>(k)];
    test.losses.push_back(sum / static_cast<double>(end - begin));
  }
  if (test.losses.empty()) return;
  auto lowest = std::min_element(test.losses.begin(), test.losses.end()) - test.losses.begin();
  double steepest = 0;
  int64_t best = -1;
  for (int64_t i = 0; i <= lowest; ++i)
    if (double now = slope(test.losses, i, reach); now < steepest) {
      steepest = now;
      best = i;
    }
  // What falls by less than a twentieth is noise.
  double start = test.losses.front(), fallen = start - test.losses[static_cast<size_t>(lowest)];
  if (best >= 0 && fallen > 0.05 * std::abs(start)) test.suggested = test.rates[static_cast<size_t>(best)];
}

Result<RangeTest> run_range_test(Program &program, const Settings &settings, const DataSets &data,
                                 const RangeTestOptions &options, const std::function<void(int64_t)> &after) {
  RangeTest test;
  std::vector<double> losses;
  const Function &train_step = *program.function("train_step");
  Batches batches(data.train,
                  {settings.batch_size.value, settings.shuffle, settings.seed.value, data.augmentation, true});
  double mean = 0, weight = 0, least = INFINITY;
  uint32_t epoch = 0;
  batches.start(epoch);
  for (int64_t step = 0; step < options.steps; ++step) {
    auto batch = batches.next();
    if (batch && !*batch) {
      batches.start(++epoch);
      batch = batches.next();
    }
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    double share = static_cast<double>(step) / static_cast<double>(options.steps - 1);
    double rate = options.least * std::pow(options.greatest / options.least, share);
    program.set_scalar("learning_rate_override", rate);
    program.set_step(step);
    Results results(train_step, (*batch)->size);
    auto done = program.call(train_step, (*batch)->arguments, results.pointers(), (*batch)->size);
    if (!done) return tl::unexpected(done.error());
    double loss = results.value(0) / static_cast<double>((*batch)->size) + results.value(1);
    mean = kMomentum * mean + (1 - kMomentum) * loss;
    weight = kMomentum * weight + 1 - kMomentum;
    least = std::min(least, mean / weight);
    if (!std::isfinite(loss) || (step >= options.steps / 10 && mean / weight > kDivergence * least)) {
      test.diverged = true;
      break;
    }
    test.rates.push_back(rate);
    losses.push_back(loss);
    if (after) after(step + 1);
  }
  program.set_scalar("learning_rate_override", 0);
  conclude(test, losses);
  return test;
}

}  // namespace netc::runtime
