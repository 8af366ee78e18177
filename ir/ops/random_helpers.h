// What the random ops share: the attributes that name a stream of random numbers.
#pragma once

#include "ir/ops/shape_helpers.h"

namespace netc::ops {

inline AttributeDef stream_attribute() {
  return {"stream", AttributeKind::integer, "which random numbers: each use has its own", std::nullopt, 0, UINT32_MAX};
}
inline AttributeDef random_shape_attribute() { return {"shape", AttributeKind::shape, "the shape of the result"}; }

// A standard normal number from a uniform one u in [0, 1) that is a multiple of 2^-24: sqrt(2) erf_inv(2u - 1), 2u - 1
// kept off -1, where the inverse is infinite.
inline constexpr double kNormalLimit = 1 - 0x1p-23;
double normal_from_uniform(double u);

}  // namespace netc::ops
