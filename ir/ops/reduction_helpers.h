// What the reductions share.
#pragma once

#include "ir/ops/shape_helpers.h"

namespace netc::ops {

std::vector<AttributeDef> reduction_attributes();
Types infer_reduction(const InferContext &c);

}  // namespace netc::ops
