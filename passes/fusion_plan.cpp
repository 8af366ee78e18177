#include "passes/fusion_plan.h"

#include <algorithm>

#include "passes/analysis.h"
#include "passes/pooling.h"
#include "passes/recompute.h"

namespace netc {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr size_t kMostOperands = 48;   // operands of one kernel: pointers that do not fit registers are reloaded
constexpr int64_t kSmallCount = 4096;  // elements: below, a launch costs more than the work
constexpr size_t kNeighbours = 16;     // how many earlier small groups of a shape are tried

struct Group {
  GroupKind kind = GroupKind::alone;
  Shape shape;                // of the elementwise ops; of the image, with a window
  std::vector<uint32_t> ops;  // ascending
  std::optional<Window> window;
};

class FusionPlanner {
 public:
  explicit FusionPlanner(const Function &function)
      : function_(function),
        definitions_(defining_ops(function)),
        windows_(choose_windows(function)),
        group_of_(function.ops.size(), kNone) {
    plan_.recomputed = choose_recomputed(function, windows_);
    find_leaves();
    make_groups();
  }

  FusionPlan run() {
    grow_contractions();
    join_producers();
    join_readers_of_a_value();
    join_sums();
    join_small();
    for (uint32_t group : order_)
      if (group != kNone) plan_.groups.push_back({final_kind(groups_[group]), std::move(groups_[group].ops)});
    return std::move(plan_);
  }

 private:
  // Pooling that fuses with nothing has a kernel of its own.
  GroupKind final_kind(const Group &group) const {
    const Op &op = function_.ops[group.ops.front()];
    bool recomputes = std::ranges::any_of(op.operands, [&](ValueId operand) {
      return definitions_[operand] != kNone && plan_.recomputed[definitions_[operand]];
    });
    return group.ops.size() == 1 && op.def->window != nullptr && !recomputes ? GroupKind::alone : group.kind;
  }

  // What an op really reads: operands, with recomputed ones replaced by what they read.
  void find_leaves() {
    leaves_.resize(function_.ops.size());
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      for (ValueId operand : function_.ops[i].operands) {
        uint32_t definition = definitions_[operand];
        if (definition != kNone && plan_.recomputed[definition]) {
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
      if (!plan_.recomputed[i])
        for (ValueId leaf : leaves_[i]) readers_[leaf].push_back(i);
  }

  static void make_set(std::vector<ValueId> &values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }

  void make_groups() {
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (plan_.recomputed[i]) continue;
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

  bool is_pooling(uint32_t op) const { return windows_[op] && function_.ops[op].def->window != nullptr; }
  // Can stand in the body of a map.
  bool is_mapped(uint32_t op) const { return is_pooling(op) || is_elementwise(function_.ops[op]); }

  // Whether the group reads a value of one of the groups marked with `mark`.
  bool reads_marked(uint32_t group, uint32_t mark) const {
    for (uint32_t op : groups_[group].ops)
      for (ValueId leaf : leaves_[op])
        if (uint32_t definition = definitions_[leaf]; definition != kNone && marks_[group_of_[definition]] == mark)
          return true;
    return false;
  }

  static bool is_large(const Shape &shape) {
    Result<Dim> count = element_count(shape);
    return count && (count->batch || count->size > kSmallCount);
  }

  // The kind of both together, or `alone` where they cannot be one kernel.
  GroupKind together(const Group &a, const Group &b) const {
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
  bool in_one_space(const Group &a, const Group &b) const {
    if (!a.window && !b.window) return a.shape == b.shape;
    const Window &window = a.window ? *a.window : *b.window;
    return fits(a, window) && fits(b, window);
  }
  bool fits(const Group &group, const Window &window) const {
    if (group.kind == GroupKind::contraction) return false;
    bool pooled = group.kind == GroupKind::map && group.shape == window.pooled && !group.window;
    if (!pooled && (group.shape != window.image || (group.window && *group.window != window))) return false;
    return std::ranges::all_of(group.ops, [&](uint32_t index) {
      const Op &op = function_.ops[index];
      bool by_index = is_elementwise(op) && op.def->pull != nullptr;
      return !by_index && (!is_fusable_reduction(op) || reduces_windows(op));
    });
  }

  bool contains(const Group &group, uint32_t op) const {
    return std::binary_search(group.ops.begin(), group.ops.end(), op);
  }

  // An op of `reader` reads a reduction of `group`: reductions must stay the ends.
  bool reads_end(const Group &reader, const Group &group) const {
    for (uint32_t op : reader.ops)
      for (ValueId leaf : leaves_[op]) {
        uint32_t definition = definitions_[leaf];
        if (definition != kNone && is_fusable_reduction(function_.ops[definition]) && contains(group, definition))
          return true;
      }
    return false;
  }

  // Makes the new value of a large weight: only a map may write that over the old one.
  bool updates(const Group &group) const {
    return is_large(group.shape) && std::ranges::any_of(group.ops, [&](uint32_t op) {
             return std::ranges::any_of(readers_[function_.ops[op].results[0]],
                                        [&](uint32_t reader) { return has_effect(function_.ops[reader]); });
           });
  }

  // Random numbers are long code, and an epilogue is there once for each vector of a tile.
  bool draws(const Group &group) const {
    return std::ranges::any_of(group.ops, [&](uint32_t op) { return function_.ops[op].def->name == "random_uniform"; });
  }

  bool feeds_contraction(const Group &map, const Group &contraction) const {
    for (uint32_t op : contraction.ops) {
      if (function_.ops[op].def->op_class != OpClass::contraction) continue;
      for (ValueId leaf : leaves_[op])
        if (definitions_[leaf] != kNone && contains(map, definitions_[leaf])) return true;
    }
    return false;
  }

  const Op *find_reduction(const Group &group) const {
    for (uint32_t op : group.ops)
      if (is_fusable_reduction(function_.ops[op])) return &function_.ops[op];
    return nullptr;
  }

  bool same_reduction(const Group &a, const Group &b) const {
    const Op &first = *find_reduction(a), &second = *find_reduction(b);
    return first.attributes.at("axes") == second.attributes.at("axes") &&
           first.attributes.at("keep_dims") == second.attributes.at("keep_dims");
  }

  // Reduces every axis but the last.
  bool keeps_channels(const Group &group) const {
    auto axes = find_reduction(group)->get<std::vector<int64_t>>("axes");
    std::sort(axes.begin(), axes.end());
    if (axes.size() + 1 != group.shape.size()) return false;
    for (size_t i = 0; i < axes.size(); ++i)
      if (axes[i] != static_cast<int64_t>(i)) return false;
    return true;
  }

  size_t operand_count(const Group &a, const Group &b) const {
    std::vector<ValueId> operands;
    for (const Group *group : {&a, &b})
      for (uint32_t op : group->ops) operands.insert(operands.end(), leaves_[op].begin(), leaves_[op].end());
    make_set(operands);
    return operands.size();
  }

  // Merges two groups where that gives a legal kernel and no cycle.
  bool merge(uint32_t a, uint32_t b) {
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

  // Lets `a` take the place of both in the order: what depends on `a` goes behind, the rest of what is between them in
  // front. Refuses when `b` depends on something between that depends on `a`.
  bool reorder(uint32_t a, uint32_t b) {
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

  // Elementwise users of a contraction's result become its epilogue, and their users in turn. Not behind gradients of
  // weights (no batch): their users are updates, which may be written in place only by a map. Not what only reductions
  // want: they compute it from the stored result, and no second result is written.
  void grow_contractions() {
    const std::vector<bool> only_reduced = find_only_reduced();
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (plan_.recomputed[i] || function_.ops[i].def->op_class != OpClass::contraction) continue;
      if (!is_large(function_.type(function_.ops[i].results[0]).shape) || !grows(i)) continue;
      std::vector<uint32_t> open{i};
      while (!open.empty()) {
        uint32_t op = open.back();
        open.pop_back();
        for (ValueId result : function_.ops[op].results)
          for (uint32_t reader : readers_[result])
            if (is_elementwise(function_.ops[reader]) && !only_reduced[reader] &&
                groups_[group_of_[reader]].kind == GroupKind::map && merge(group_of_[i], group_of_[reader]))
              open.push_back(reader);
      }
    }
  }

  // By op: elementwise, and every use of its value ends in a reduction over its shape.
  std::vector<bool> find_only_reduced() const {
    std::vector<bool> only_reduced(function_.ops.size(), false);
    std::vector<bool> is_result(function_.values.size(), false);
    for (ValueId result : function_.results) is_result[result] = true;
    for (uint32_t i = static_cast<uint32_t>(function_.ops.size()); i-- > 0;) {
      const Op &op = function_.ops[i];
      if (plan_.recomputed[i] || !is_elementwise(op) || is_result[op.results[0]]) continue;
      only_reduced[i] = std::ranges::all_of(readers_[op.results[0]], [&](uint32_t reader) {
        bool same_shape = groups_[group_of_[reader]].shape == function_.type(op.results[0]).shape;
        return same_shape && (is_fusable_reduction(function_.ops[reader]) || only_reduced[reader]);
      });
    }
    return only_reduced;
  }

  bool grows(uint32_t op) const {
    Result<Dim> count = element_count(function_.type(function_.ops[op].results[0]).shape);
    return count && count->batch;
  }

  // A value goes to its elementwise users and reductions in registers. Users of what a contraction makes were asked
  // before.
  void join_producers() {
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (plan_.recomputed[i] || !(is_mapped(i) || is_fusable_reduction(function_.ops[i]))) continue;
      for (ValueId leaf : leaves_[i]) {
        uint32_t definition = definitions_[leaf];
        if (definition == kNone || !is_mapped(definition)) continue;
        if (groups_[group_of_[definition]].kind != GroupKind::contraction) merge(group_of_[definition], group_of_[i]);
      }
    }
  }

  // Groups that read the same large value read it once; reductions first: sums over the same values are the ones that
  // need a pass of their own otherwise.
  void join_readers_of_a_value() {
    for (bool reductions : {true, false}) {
      for (ValueId value = 0; value < readers_.size(); ++value) {
        if (!is_large(function_.type(value).shape)) continue;
        for (size_t i = 1; i < readers_[value].size(); ++i)
          for (size_t j = 0; j < i; ++j) {
            uint32_t a = group_of_[readers_[value][j]], b = group_of_[readers_[value][i]];
            GroupKind wanted = reductions ? GroupKind::reduce : GroupKind::map;
            if (groups_[a].kind == wanted && groups_[b].kind == wanted &&
                groups_[a].shape == function_.type(value).shape)
              merge(a, b);
          }
      }
    }
  }

  // Sums over what a contraction makes, a batch norm's say, are taken before that leaves the registers.
  void join_sums() {
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (plan_.recomputed[i] || !is_fusable_reduction(function_.ops[i])) continue;
      uint32_t sums = group_of_[i];
      if (groups_[sums].kind != GroupKind::reduce) continue;
      std::vector<uint32_t> ops = groups_[sums].ops;
      for (uint32_t op : ops)
        for (ValueId leaf : leaves_[op]) {
          uint32_t definition = definitions_[leaf];
          if (definition == kNone || groups_[group_of_[definition]].kind != GroupKind::contraction) continue;
          if (grows(definition)) merge(group_of_[definition], group_of_[i]);
        }
    }
  }

  // Scalars and vectors of one shape, and reductions of them, share a kernel even if unrelated: the launch costs more
  // than they do.
  void join_small() {
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (plan_.recomputed[i]) continue;
      uint32_t group = group_of_[i];
      GroupKind kind = groups_[group].kind;
      if ((kind != GroupKind::map && kind != GroupKind::reduce) || is_large(groups_[group].shape)) continue;
      size_t tried = 0;
      for (uint32_t at = position_[group]; at-- > 0 && tried < kNeighbours;) {
        uint32_t other = order_[at];
        if (other == kNone || groups_[other].kind != kind || groups_[other].shape != groups_[group].shape) continue;
        ++tried;
        if (merge(other, group)) break;
      }
    }
  }

  const Function &function_;
  std::vector<uint32_t> definitions_;
  std::vector<std::optional<Window>> windows_;  // by op: that it, or what it recomputes, goes by
  std::vector<std::vector<ValueId>> leaves_;    // by op: ascending
  std::vector<std::vector<uint32_t>> readers_;  // by value: ops that are not recomputed
  std::vector<Group> groups_;
  std::vector<uint32_t> group_of_;  // by op
  std::vector<uint32_t> order_;     // groups in an order of execution, with holes
  std::vector<uint32_t> position_;  // by group: where in `order_`
  std::vector<uint32_t> marks_;     // by group
  uint32_t last_mark_ = 0;
  FusionPlan plan_;
};

}  // namespace

std::string_view name(GroupKind kind) {
  switch (kind) {
    case GroupKind::map:
      return "map";
    case GroupKind::reduce:
      return "reduce";
    case GroupKind::contraction:
      return "contraction";
    case GroupKind::alone:
      break;
  }
  return "alone";
}

FusionPlan plan_fusion(const Function &function) { return FusionPlanner(function).run(); }

}  // namespace netc
