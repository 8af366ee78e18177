#include "tools/netc/tune/tpe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tools/netc/tune/draws.h"

namespace netc::tune {
namespace {

constexpr int kCandidates = 24;
constexpr double kShareOfBetter = 0.15;
constexpr size_t kMostBetter = 25;

double normal_below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// A density on [0, 1].
class Parzen {
 public:
  explicit Parzen(std::vector<double> points) {
    std::sort(points.begin(), points.end());
    size_t count = points.size();
    double narrowest = 1.0 / static_cast<double>(std::min<size_t>(100, count + 2));
    for (size_t i = 0; i < count; ++i) {
      double left = points[i] - (i == 0 ? 0 : points[i - 1]);
      double right = (i + 1 == count ? 1 : points[i + 1]) - points[i];
      add(points[i], std::clamp(std::max(left, right), narrowest, 1.0));
    }
    add(0.5, 1);  // what is known before the first trial: nothing
  }

  // The number that `share` of the component chosen by `which` lies below; both in [0, 1).
  double at(double which, double share) const {
    const Kernel &kernel = kernels_[static_cast<size_t>(which * static_cast<double>(kernels_.size()))];
    double low = 0, high = 1;
    for (int step = 0; step < 60; ++step) {
      double middle = (low + high) / 2;
      (kernel.below(middle) < share ? low : high) = middle;
    }
    return (low + high) / 2;
  }

  // Of the interval of this width about x; the density at x when the width is 0.
  double log_mass(double x, double width) const {
    double sum = 0;
    for (const Kernel &kernel : kernels_)
      sum += width > 0 ? kernel.below(x + width / 2) - kernel.below(x - width / 2) : kernel.density(x);
    return std::log(std::max(sum / static_cast<double>(kernels_.size()), 1e-300));
  }

 private:
  struct Kernel {
    double middle, width, low, mass;  // `low` and `mass`: of the whole normal distribution below 0 and in [0, 1]
    double below(double x) const { return (normal_below((x - middle) / width) - low) / mass; }
    double density(double x) const {
      double z = (x - middle) / width;
      return std::exp(-0.5 * z * z) / (width * std::sqrt(2 * 3.14159265358979323846) * mass);
    }
  };
  void add(double middle, double width) {
    double low = normal_below(-middle / width);
    kernels_.push_back({middle, width, low, normal_below((1 - middle) / width) - low});
  }
  std::vector<Kernel> kernels_;
};

// Counts of choices, each one more than there were.
class Counts {
 public:
  Counts(const std::vector<double> &points, size_t choices) : weights_(choices, 1.0) {
    for (double point : points) weights_[place(point)] += 1;
    double sum = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    for (double &weight : weights_) weight /= sum;
  }
  double at(double share) const {
    size_t choice = 0;
    for (; choice + 1 < weights_.size() && share >= weights_[choice]; ++choice) share -= weights_[choice];
    return (static_cast<double>(choice) + 0.5) / static_cast<double>(weights_.size());
  }
  double log_mass(double x) const { return std::log(weights_[place(x)]); }

 private:
  size_t place(double point) const {
    return std::min(static_cast<size_t>(point * static_cast<double>(weights_.size())), weights_.size() - 1);
  }
  std::vector<double> weights_;
};

std::vector<double> points_of(const Dimension &dimension, const std::vector<const Observation *> &observations) {
  std::vector<double> points;
  for (const Observation *observation : observations)
    if (auto value = observation->values.find(dimension.name); value != observation->values.end())
      points.push_back(dimension.to_unit(value->second));
  return points;
}

}  // namespace

size_t better_count(size_t trials) {
  return std::min(kMostBetter, static_cast<size_t>(std::ceil(kShareOfBetter * static_cast<double>(trials))));
}

Values tpe_values(const Space &space, const std::vector<Observation> &observations, uint64_t seed, uint32_t trial,
                  uint32_t attempt) {
  std::vector<const Observation *> order;
  for (const Observation &observation : observations) order.push_back(&observation);
  std::stable_sort(order.begin(), order.end(), [](auto *a, auto *b) { return a->score < b->score; });
  auto middle = order.begin() + static_cast<std::ptrdiff_t>(better_count(order.size()));
  std::vector<const Observation *> better(order.begin(), middle), others(middle, order.end());

  Values values;
  for (size_t i = 0; i < space.dimensions.size(); ++i) {
    const Dimension &dimension = space.dimensions[i];
    if (!space.active(dimension, values)) continue;
    auto number = [&](uint32_t which) {
      return draw(seed, Purpose::model, trial, static_cast<uint32_t>(i), attempt * 3 * kCandidates + which);
    };
    std::vector<double> good = points_of(dimension, better), bad = points_of(dimension, others);
    double best = 0, best_ratio = -INFINITY;
    auto consider = [&](double x, double ratio) {
      if (ratio > best_ratio) best = x, best_ratio = ratio;
    };
    if (dimension.kind == Dimension::Kind::choice) {
      Counts l(good, dimension.choices.size()), g(bad, dimension.choices.size());
      for (uint32_t c = 0; c < kCandidates; ++c) {
        double x = l.at(number(3 * c));
        consider(x, l.log_mass(x) - g.log_mass(x));
      }
    } else {
      Parzen l(good), g(bad);
      for (uint32_t c = 0; c < kCandidates; ++c) {
        double x = l.at(number(3 * c), number(3 * c + 1)), width = 0;
        if (dimension.kind == Dimension::Kind::integer) {
          x = dimension.to_unit(dimension.from_unit(x));
          width = dimension.logarithmic ? 0 : 1.0 / static_cast<double>(dimension.count());
        }
        consider(x, l.log_mass(x, width) - g.log_mass(x, width));
      }
    }
    values[dimension.name] = dimension.from_unit(best);
  }
  return values;
}

}  // namespace netc::tune
