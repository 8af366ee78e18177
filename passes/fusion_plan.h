// Which ops of a function become one kernel: the decisions behind the pass `fuse`, apart from the rewriting.
#pragma once

#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace netc {

enum class GroupKind : uint8_t {
  alone,        // an op with a kernel of its own, a view, or no kernel at all
  map,          // elementwise ops of one result shape; around pooling, of the image's and the pooled shape
  reduce,       // the same, then reductions of the shape (of the image) over the same axes
  contraction,  // one contraction, then elementwise ops of its result's shape, then sums that keep its last axis
};
std::string_view name(GroupKind kind);

struct FusionGroup {
  GroupKind kind = GroupKind::alone;
  std::vector<uint32_t> ops;  // indices into the function's ops, ascending
};

struct FusionPlan {
  std::vector<FusionGroup> groups;  // in an order of execution
  std::vector<bool> recomputed;     // by op: in no group; every group that uses it computes it again
};

FusionPlan plan_fusion(const Function &function);

}  // namespace netc
