// Small questions that several passes ask about a function.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "ir/op.h"
#include "ir/rewrite.h"

namespace netc {

// Lets these new values stand for all results of `op`.
void replace_results(Rewriter &rewriter, const Op &op, const std::vector<ValueId> &with);

// True for a value somebody named, false for a number.
bool has_name(const Value &value);

// For each value: computed from weights, constants and shapes alone, so the same in every call until the weights
// change.
std::vector<bool> find_weight_only(const Function &function);

// An op that must stay although nobody uses a result: it changes a weight.
bool has_effect(const Op &op);

// The number of bytes of a value as stored, halo included, for batch 1 (Dim.batch says whether it grows with the
// batch).
struct Bytes {
  int64_t size = 0;
  bool batch = false;
};
Bytes stored_bytes(const Value &value);

}  // namespace netc
