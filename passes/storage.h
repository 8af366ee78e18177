// What the memory plan and its neighbours need to know about a function in execution order: which values share memory
// by being views, when they live, and when an op may write over an operand.
#pragma once

#include <vector>

#include "ir/graph.h"

namespace netc {

// For each value the one whose memory it is: itself, or the operand behind a chain of views.
std::vector<ValueId> alias_roots(const Function &function);

// Indices of ops, both ends included: made at `first`, used for the last time at `last`. An argument lives from 0, a
// result of the function to the end (the number of ops).
struct LiveRange {
  uint32_t first = 0;
  uint32_t last = 0;
};
// The range of a root covers its views; that of a view is its root's.
std::vector<LiveRange> live_ranges(const Function &function, const std::vector<ValueId> &roots);

// True when op number `op` is a map that reads the value `old` only at the index at which it writes `result`, and both
// are stored alike: then `result` may be written over `old`.
bool reads_where_it_writes(const Function &function, const std::vector<ValueId> &roots, uint32_t op, ValueId old,
                           ValueId result);

}  // namespace netc
