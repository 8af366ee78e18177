#include "passes/fusion_plan.h"

#include <algorithm>

#include "passes/analysis.h"
#include "passes/fusion_groups.h"

namespace netc {
namespace {

constexpr size_t kNeighbours = 16;  // how many earlier small groups of a shape are tried

// What is worth merging, in the order in which it is tried.
class FusionPlanner {
 public:
  explicit FusionPlanner(const Function &function) : function_(function), groups_(function) {}

  FusionPlan run() {
    grow_contractions();
    join_producers();
    join_readers_of_a_value();
    join_sums();
    join_small();
    return std::move(groups_).plan();
  }

 private:
  // Elementwise users of a contraction's result become its epilogue, and their users in turn. Not behind gradients of
  // weights (no batch): their users are updates, which may be written in place only by a map. Not what only reductions
  // want: they compute it from the stored result, and no second result is written.
  void grow_contractions() {
    const std::vector<bool> only_reduced = find_only_reduced();
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (groups_.recomputed(i) || function_.ops[i].def->op_class != OpClass::contraction) continue;
      if (!FusionGroups::is_large(function_.type(function_.ops[i].results[0]).shape) || !grows(i)) continue;
      std::vector<uint32_t> open{i};
      while (!open.empty()) {
        uint32_t op = open.back();
        open.pop_back();
        for (ValueId result : function_.ops[op].results)
          for (uint32_t reader : groups_.readers(result))
            if (is_elementwise(function_.ops[reader]) && !only_reduced[reader] &&
                groups_.group_with(reader).kind == GroupKind::map &&
                groups_.merge(groups_.group_of(i), groups_.group_of(reader)))
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
      if (groups_.recomputed(i) || !is_elementwise(op) || is_result[op.results[0]]) continue;
      only_reduced[i] = std::ranges::all_of(groups_.readers(op.results[0]), [&](uint32_t reader) {
        bool same_shape = groups_.group_with(reader).shape == function_.type(op.results[0]).shape;
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
      if (groups_.recomputed(i) || !(groups_.is_mapped(i) || is_fusable_reduction(function_.ops[i]))) continue;
      for (ValueId leaf : groups_.leaves(i)) {
        uint32_t definition = groups_.definition(leaf);
        if (definition == FusionGroups::kNone || !groups_.is_mapped(definition)) continue;
        if (groups_.group_with(definition).kind != GroupKind::contraction)
          groups_.merge(groups_.group_of(definition), groups_.group_of(i));
      }
    }
  }

  // Groups that read the same large value read it once; reductions first: sums over the same values are the ones that
  // need a pass of their own otherwise.
  void join_readers_of_a_value() {
    for (bool reductions : {true, false}) {
      for (ValueId value = 0; value < function_.values.size(); ++value) {
        if (!FusionGroups::is_large(function_.type(value).shape)) continue;
        const std::vector<uint32_t> &readers = groups_.readers(value);
        for (size_t i = 1; i < readers.size(); ++i)
          for (size_t j = 0; j < i; ++j) {
            uint32_t a = groups_.group_of(readers[j]), b = groups_.group_of(readers[i]);
            GroupKind wanted = reductions ? GroupKind::reduce : GroupKind::map;
            if (groups_.group(a).kind == wanted && groups_.group(b).kind == wanted &&
                groups_.group(a).shape == function_.type(value).shape)
              groups_.merge(a, b);
          }
      }
    }
  }

  // Sums over what a contraction makes, a batch norm's say, are taken before that leaves the registers.
  void join_sums() {
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (groups_.recomputed(i) || !is_fusable_reduction(function_.ops[i])) continue;
      uint32_t sums = groups_.group_of(i);
      if (groups_.group(sums).kind != GroupKind::reduce) continue;
      std::vector<uint32_t> ops = groups_.group(sums).ops;
      for (uint32_t op : ops)
        for (ValueId leaf : groups_.leaves(op)) {
          uint32_t definition = groups_.definition(leaf);
          if (definition == FusionGroups::kNone || groups_.group_with(definition).kind != GroupKind::contraction)
            continue;
          if (grows(definition)) groups_.merge(groups_.group_of(definition), groups_.group_of(i));
        }
    }
  }

  // Scalars and vectors of one shape, and reductions of them, share a kernel even if unrelated: the launch costs more
  // than they do.
  void join_small() {
    for (uint32_t i = 0; i < function_.ops.size(); ++i) {
      if (groups_.recomputed(i)) continue;
      uint32_t group = groups_.group_of(i);
      GroupKind kind = groups_.group(group).kind;
      if ((kind != GroupKind::map && kind != GroupKind::reduce) || FusionGroups::is_large(groups_.group(group).shape))
        continue;
      size_t tried = 0;
      for (uint32_t at = groups_.position(group); at-- > 0 && tried < kNeighbours;) {
        uint32_t other = groups_.order()[at];
        if (other == FusionGroups::kNone || groups_.group(other).kind != kind ||
            groups_.group(other).shape != groups_.group(group).shape)
          continue;
        ++tried;
        if (groups_.merge(other, group)) break;
      }
    }
  }

  const Function &function_;
  FusionGroups groups_;
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
