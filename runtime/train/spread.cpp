#include "runtime/train/spread.h"

#include <algorithm>

namespace netc::runtime {

void Spread::add(std::span<const float> values) {
  bool first = count == not_finite;
  for (float value : values) {
    ++count;
    if (!std::isfinite(value)) {
      ++not_finite;
      continue;
    }
    double number = value;
    zeros += number == 0;
    sum += number;
    squares += number * number;
    least = std::min(least, number);
    greatest = std::max(greatest, number);
  }
  if (first) low = least, high = greatest;
  double width = (high - low) / static_cast<double>(kBins);
  for (float value : values) {
    if (!std::isfinite(value)) continue;
    double place = width > 0 ? (static_cast<double>(value) - low) / width : 0;
    ++bins[static_cast<size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)))];
  }
}

double Spread::deviation() const {
  double numbers = static_cast<double>(count - not_finite);
  return numbers > 0 ? std::sqrt(std::max(squares / numbers - mean() * mean(), 0.0)) : 0;
}

}  // namespace netc::runtime
