#include "ir/ops/erf_inv.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace netc::ops {

double erf_inv(double x) {
  if (!(std::abs(x) < 1)) return std::abs(x) == 1 ? std::copysign(std::numeric_limits<double>::infinity(), x) : NAN;
  // A start within 1 % (Winitzki, "A handy approximation for the error function and its inverse", 2008) ...
  constexpr double a = 0.147;
  double logarithm = std::log1p(-x * x);
  double half = 2 / (std::numbers::pi * a) + logarithm / 2;
  double y = std::copysign(std::sqrt(std::sqrt(half * half - logarithm / a) - half), x);
  // ... then Halley's method; on the complement towards the ends, to keep its digits. f''/f' of erf is -2y.
  double magnitude = std::abs(y), target = std::abs(x);
  for (int i = 0; i < 4; ++i) {
    double error = target < 0.5 ? std::erf(magnitude) - target : (1 - target) - std::erfc(magnitude);
    double step = error / (2 * std::numbers::inv_sqrtpi * std::exp(-magnitude * magnitude));
    magnitude -= step / (1 + magnitude * step);
  }
  return std::copysign(magnitude, x);
}

}  // namespace netc::ops
