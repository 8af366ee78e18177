#include "passes/fusion_groups.h"

#include <algorithm>

#include "passes/analysis.h"
#include "passes/pooling.h"

namespace netc {
namespace {

constexpr size_t kMostOperands = 48;   // operands of one kernel: pointers that do not fit registers are reloaded
constexpr int64_t kSmallCount = 4096;  // elements: below, a launch costs more than the work

void make_set(std::vector<ValueId> &values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

bool contains(const FusionGroups::Group &group, uint32_t op) {
  return std::binary_search(group.ops.begin(), group.ops.end(), op);
}

}  // namespace

FusionGroups::FusionGroups(const Function &function)
    : function_(function),
      definitions_(defining_ops(function)),
      windows_(choose_windows(function)),
      recomputed_(choose_recomputed(function, windows_)),
      group_of_(function.ops.size(), kNone) {
  find_leaves();
  make_groups();
}

void FusionGroups::find_leaves() {
  leaves_.resize(function_.ops.size());
  for (uint32_t i = 0; i < function_.ops.size(); ++i) {
    for (ValueId operand : function_.ops[i].operands) {
      uint32_t definition = definitions_[operand];
      if (definition != kNone && recomputed_[definition]) {
        leaves_[i].insert(leaves_[i].end(), leaves_[definition].begin(), leaves_[definition].end());
        if (!windows_[i]) windows_[i] = windows_[definition];
      } else if (definition == kNone || !is_splat(function_.ops[definition]) || !is_elementwise(function_.ops[i])) {
        leaves_[i].push_back(operand);
      }
    }
    make_set(leaves_[i]);
  }
  readers_.resize(function_.values.size());
  for (uint32_t i = 0; i < function_.ops.size(); ++i)
    if (!recomputed_[i])
      for (ValueId leaf : leaves_[i]) readers_[leaf].push_back(i);
}

void FusionGroups::make_groups() {
  for (uint32_t i = 0; i < function_.ops.size(); ++i) {
    if (recomputed_[i]) continue;
    const Op &op = function_.ops[i];
    Group group{GroupKind::alone, {}, {i}, windows_[i]};
    if (is_pooling(i)) {
      group.kind = GroupKind::map;
      group.shape = windows_[i]->image;
    } else if (is_elementwise(op)) {
      group.kind = GroupKind::map;
      group.shape = function_.type(op.results[0]).shape;
    } else if (is_fusable_reduction(op)) {
      group.kind = GroupKind::reduce;
      group.shape = function_.type(op.operands[0]).shape;
    } else if (op.def->op_class == OpClass::contraction) {
      group.kind = GroupKind::contraction;
      group.shape = function_.type(op.results[0]).shape;
    }
    group_of_[i] = static_cast<uint32_t>(groups_.size());
    position_.push_back(static_cast<uint32_t>(order_.size()));
    order_.push_back(group_of_[i]);
    groups_.push_back(std::move(group));
  }
  marks_.assign(groups_.size(), 0);
}

bool FusionGroups::is_large(const Shape &shape) {
  Result<Dim> count = element_count(shape);
  return count && (count->batch || count->size > kSmallCount);
}

// The kind of both together, or `alone` where they cannot be one kernel.
GroupKind FusionGroups::together(const Group &a, const Group &b) const {
  if (!in_one_space(a, b)) return GroupKind::alone;
  auto has = [&](GroupKind x, GroupKind y) { return (a.kind == x && b.kind == y) || (a.kind == y && b.kind == x); };
  if (has(GroupKind::map, GroupKind::map)) return GroupKind::map;
  if (has(GroupKind::map, GroupKind::reduce))
    return reads_end(a, b) || reads_end(b, a) || updates(a) || updates(b) ? GroupKind::alone : GroupKind::reduce;
  if (has(GroupKind::reduce, GroupKind::reduce))
    return same_reduction(a, b) && !reads_end(a, b) && !reads_end(b, a) ? GroupKind::reduce : GroupKind::alone;
  if (has(GroupKind::contraction, GroupKind::map)) {
    const Group &contraction = a.kind == GroupKind::contraction ? a : b;
    const Group &map = a.kind == GroupKind::contraction ? b : a;
    bool apart = feeds_contraction(map, contraction) || draws(map) || reads_end(map, contraction);
    return apart ? GroupKind::alone : GroupKind::contraction;
  }
  if (has(GroupKind::contraction, GroupKind::reduce)) {
    const Group &contraction = a.kind == GroupKind::contraction ? a : b;
    const Group &sums = a.kind == GroupKind::contraction ? b : a;
    bool apart = feeds_contraction(sums, contraction) || draws(sums) || reads_end(sums, contraction) ||
                 !keeps_channels(sums) || (find_reduction(contraction) && !same_reduction(a, b));
    return apart ? GroupKind::alone : GroupKind::contraction;
  }
  return GroupKind::alone;
}

// Of one shape; where one of them goes by windows, the other may do elementwise ops on the pooled image.
bool FusionGroups::in_one_space(const Group &a, const Group &b) const {
  if (!a.window && !b.window) return a.shape == b.shape;
  const Window &window = a.window ? *a.window : *b.window;
  return fits(a, window) && fits(b, window);
}
bool FusionGroups::fits(const Group &group, const Window &window) const {
  if (group.kind == GroupKind::contraction) return false;
  bool pooled = group.kind == GroupKind::map && group.shape == window.pooled && !group.window;
  if (!pooled && (group.shape != window.image || (group.window && *group.window != window))) return false;
  return std::ranges::all_of(group.ops, [&](uint32_t index) {
    const Op &op = function_.ops[index];
    bool by_index = is_elementwise(op) && op.def->pull != nullptr;
    return !by_index && (!is_fusable_reduction(op) || reduces_windows(op));
  });
}

// An op of `reader` reads a reduction of `group`: reductions must stay the ends.
bool FusionGroups::reads_end(const Group &reader, const Group &group) const {
  for (uint32_t op : reader.ops)
    for (ValueId leaf : leaves_[op]) {
      uint32_t definition = definitions_[leaf];
      if (definition != kNone && is_fusable_reduction(function_.ops[definition]) && contains(group, definition))
        return true;
    }
  return false;
}

// Makes the new value of a large weight: only a map may write that over the old one.
bool FusionGroups::updates(const Group &group) const {
  return is_large(group.shape) && std::ranges::any_of(group.ops, [&](uint32_t op) {
           return std::ranges::any_of(readers_[function_.ops[op].results[0]],
                                      [&](uint32_t reader) { return has_effect(function_.ops[reader]); });
         });
}

// Random numbers are long code, and an epilogue is there once for each vector of a tile.
bool FusionGroups::draws(const Group &group) const {
  return std::ranges::any_of(group.ops, [&](uint32_t op) { return function_.ops[op].def->name == "random_uniform"; });
}

bool FusionGroups::feeds_contraction(const Group &map, const Group &contraction) const {
  for (uint32_t op : contraction.ops) {
    if (function_.ops[op].def->op_class != OpClass::contraction) continue;
    for (ValueId leaf : leaves_[op])
      if (definitions_[leaf] != kNone && contains(map, definitions_[leaf])) return true;
  }
  return false;
}

const Op *FusionGroups::find_reduction(const Group &group) const {
  for (uint32_t op : group.ops)
    if (is_fusable_reduction(function_.ops[op])) return &function_.ops[op];
  return nullptr;
}

bool FusionGroups::same_reduction(const Group &a, const Group &b) const {
  const Op &first = *find_reduction(a), &second = *find_reduction(b);
  return first.attributes.at("axes") == second.attributes.at("axes") &&
         first.attributes.at("keep_dims") == second.attributes.at("keep_dims");
}

// Reduces every axis but the last.
bool FusionGroups::keeps_channels(const Group &group) const {
  auto axes = find_reduction(group)->get<std::vector<int64_t>>("axes");
  std::sort(axes.begin(), axes.end());
  if (axes.size() + 1 != group.shape.size()) return false;
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != static_cast<int64_t>(i)) return false;
  return true;
}

size_t FusionGroups::operand_count(const Group &a, const Group &b) const {
  std::vector<ValueId> operands;
  for (const Group *group : {&a, &b})
    for (uint32_t op : group->ops) operands.insert(operands.end(), leaves_[op].begin(), leaves_[op].end());
  make_set(operands);
  return operands.size();
}

bool FusionGroups::merge(uint32_t a, uint32_t b) {
  if (a == b) return false;
  if (position_[a] > position_[b]) std::swap(a, b);
  GroupKind kind = together(groups_[a], groups_[b]);
  if (kind == GroupKind::alone || operand_count(groups_[a], groups_[b]) > kMostOperands) return false;
  if (!reorder(a, b)) return false;
  Group &group = groups_[a];
  group.kind = kind;
  if (!group.window && groups_[b].window) {
    group.window = groups_[b].window;
    group.shape = group.window->image;
  }
  for (uint32_t op : groups_[b].ops) group_of_[op] = a;
  group.ops.insert(group.ops.end(), groups_[b].ops.begin(), groups_[b].ops.end());
  std::sort(group.ops.begin(), group.ops.end());
  groups_[b].ops.clear();
  return true;
}

// Whether the group reads a value of one of the groups marked with `mark`.
bool FusionGroups::reads_marked(uint32_t group, uint32_t mark) const {
  for (uint32_t op : groups_[group].ops)
    for (ValueId leaf : leaves_[op])
      if (uint32_t definition = definitions_[leaf]; definition != kNone && marks_[group_of_[definition]] == mark)
        return true;
  return false;
}

// Lets `a` take the place of both in the order: what depends on `a` goes behind, the rest of what is between them in
// front. Refuses when `b` depends on something between that depends on `a`.
bool FusionGroups::reorder(uint32_t a, uint32_t b) {
  uint32_t begin = position_[a], end = position_[b], dependent = ++last_mark_;
  std::vector<uint32_t> before, behind;
  marks_[a] = dependent;
  for (uint32_t at = begin + 1; at < end; ++at) {
    uint32_t group = order_[at];
    if (group == kNone) continue;
    bool depends = reads_marked(group, dependent);
    if (depends) marks_[group] = dependent;
    (depends ? behind : before).push_back(group);
  }
  marks_[a] = 0;
  if (reads_marked(b, dependent)) return false;
  before.push_back(a);
  before.insert(before.end(), behind.begin(), behind.end());
  for (uint32_t at = begin; at <= end; ++at) {
    uint32_t group = at - begin < before.size() ? before[at - begin] : kNone;
    order_[at] = group;
    if (group != kNone) position_[group] = at;
  }
  return true;
}

// Pooling that fuses with nothing has a kernel of its own.
GroupKind FusionGroups::final_kind(const Group &group) const {
  const Op &op = function_.ops[group.ops.front()];
  bool recomputes = std::ranges::any_of(op.operands, [&](ValueId operand) {
    return definitions_[operand] != kNone && recomputed_[definitions_[operand]];
  });
  return group.ops.size() == 1 && op.def->window != nullptr && !recomputes ? GroupKind::alone : group.kind;
}

FusionPlan FusionGroups::plan() && {
  FusionPlan plan;
  for (uint32_t group : order_)
    if (group != kNone) plan.groups.push_back({final_kind(groups_[group]), std::move(groups_[group].ops)});
  plan.recomputed = std::move(recomputed_);
  return plan;
}

}  // namespace netc
