// The groups of ops that a function is cut into while its fusion is planned, and which two may become one.
//
// The graph of groups must stay acyclic, so an order of execution is kept all the time, and a merge is refused when a
// path between the two leads through a third group.
#pragma once

#include <optional>
#include <vector>

#include "ir/window.h"
#include "passes/recompute.h"
#include "passes/fusion_plan.h"

namespace netc {

class FusionGroups {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Group {
    GroupKind kind = GroupKind::alone;
    Shape shape;                // of the elementwise ops; of the image, with a window
    std::vector<uint32_t> ops;  // ascending; empty once it is merged into another
    std::optional<Window> window;
  };

  // Each op that is not recomputed is a group of its own, in the order of the function.
  explicit FusionGroups(const Function &function);

  const Function &function() const { return function_; }
  bool recomputed(uint32_t op) const { return recomputed_[op]; }
  const Group &group(uint32_t group) const { return groups_[group]; }
  // Of an op that is not recomputed.
  uint32_t group_of(uint32_t op) const { return group_of_[op]; }
  const Group &group_with(uint32_t op) const { return groups_[group_of_[op]]; }
  // The op that makes a value, or kNone.
  uint32_t definition(ValueId value) const { return definitions_[value]; }
  // What an op really reads: operands, with recomputed ones replaced by what they read. Ascending.
  const std::vector<ValueId> &leaves(uint32_t op) const { return leaves_[op]; }
  // Ops that really read a value and are not recomputed.
  const std::vector<uint32_t> &readers(ValueId value) const { return readers_[value]; }
  // Can stand in the body of a map.
  bool is_mapped(uint32_t op) const { return is_pooling(op) || is_elementwise(function_.ops[op]); }
  // So many elements that going over them costs more than a kernel's launch.
  static bool is_large(const Shape &shape);

  // Merges two groups where that gives a legal kernel and no cycle; the result is the one that was first in the order.
  bool merge(uint32_t a, uint32_t b);
  // Groups in an order of execution, with kNone where one was merged into another.
  const std::vector<uint32_t> &order() const { return order_; }
  uint32_t position(uint32_t group) const { return position_[group]; }

  FusionPlan plan() &&;

 private:
  void find_leaves();
  void make_groups();
  bool is_pooling(uint32_t op) const { return windows_[op] && function_.ops[op].def->window != nullptr; }
  GroupKind final_kind(const Group &group) const;

  GroupKind together(const Group &a, const Group &b) const;
  bool in_one_space(const Group &a, const Group &b) const;
  bool fits(const Group &group, const Window &window) const;
  bool reads_end(const Group &reader, const Group &group) const;
  bool updates(const Group &group) const;
  bool draws(const Group &group) const;
  bool feeds_contraction(const Group &map, const Group &contraction) const;
  const Op *find_reduction(const Group &group) const;
  bool same_reduction(const Group &a, const Group &b) const;
  bool keeps_channels(const Group &group) const;
  size_t operand_count(const Group &a, const Group &b) const;

  bool reads_marked(uint32_t group, uint32_t mark) const;
  bool reorder(uint32_t a, uint32_t b);

  const Function &function_;
  std::vector<uint32_t> definitions_;           // by value
  std::vector<std::optional<Window>> windows_;  // by op: that it, or what it recomputes, goes by
  std::vector<bool> recomputed_;                // by op
  std::vector<std::vector<ValueId>> leaves_;    // by op
  std::vector<std::vector<uint32_t>> readers_;  // by value
  std::vector<Group> groups_;
  std::vector<uint32_t> group_of_;  // by op
  std::vector<uint32_t> order_;
  std::vector<uint32_t> position_;  // by group: where in `order_`
  std::vector<uint32_t> marks_;     // by group
  uint32_t last_mark_ = 0;
};

}  // namespace netc
