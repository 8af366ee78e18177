// How numbers are spread: norm, mean, extremes, zeros and a histogram, without keeping them.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>

namespace netc::runtime {

struct Spread {
  static constexpr size_t kBins = 20;
  int64_t count = 0, zeros = 0, not_finite = 0;
  double sum = 0, squares = 0;
  double least = INFINITY, greatest = -INFINITY;
  // Equal bins from `low` to `high`, the extremes of the first numbers that were added; what lies outside of them
  // counts in the outermost bins.
  double low = 0, high = 0;
  std::array<int64_t, kBins> bins = {};

  void add(std::span<const float> values);
  double norm() const { return std::sqrt(squares); }
  double mean() const { return count > not_finite ? sum / static_cast<double>(count - not_finite) : 0; }
  double deviation() const;  // of the population
};

}  // namespace netc::runtime
