#pragma once

namespace netc::ops {

// The inverse of the error function to the precision of a double.
double erf_inv(double x);

}  // namespace netc::ops
