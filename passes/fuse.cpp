// Puts ops that belong into one kernel into one `fused` op:
// - "contraction": a convolution or matrix product and what is done to its result: bias, activation, residual add,
// and sums of that over all axes but the last: a batch norm's, forward and backward
// - "map": elementwise ops of one shape, with as many results as are needed: an optimizer's update of a weight and its
// moments
// - "reduce": elementwise ops and the sums or maxima over the same axes at their end: the sum and the sum of squares
//
// In maps and reductions pooling whose windows tile the image, and its gradient, count as elementwise (pooling.h).
//
// Why: a value that stays in registers costs no memory traffic, and small ops cost their launch. Cheap elementwise
// values with several users are computed again by each (recompute.h); what goes where is decided in fusion_plan.h.
// Before: decomposed. After: no elementwise op, reduction or contraction stands outside a fused op.
#include <algorithm>
#include <map>

#include "passes/analysis.h"
#include "passes/fusion_plan.h"
#include "passes/recompute.h"
#include "passes/transforms.h"

namespace netc {
namespace {

class Fuser {
 public:
  Fuser(const Module &module, const Function &function)
      : function_(function),
        plan_(plan_fusion(function)),
        definitions_(defining_ops(function)),
        group_of_(function.ops.size(), UINT32_MAX),
        stored_(function.values.size(), false),
        rewriter_(module, function) {
    for (uint32_t group = 0; group < plan_.groups.size(); ++group)
      for (uint32_t op : plan_.groups[group].ops) group_of_[op] = group;
    find_stored();
  }

  Function run() {
    for (const FusionGroup &group : plan_.groups) {
      if (group.kind == GroupKind::alone)
        rewriter_.copy(function_.ops[group.ops.front()]);
      else
        emit(group);
    }
    return rewriter_.finish();
  }

 private:
  // A value is stored when another group or the caller reads it.
  void find_stored() {
    for (ValueId result : function_.results) stored_[result] = true;
    for (uint32_t group = 0; group < plan_.groups.size(); ++group)
      for (uint32_t op : plan_.groups[group].ops) mark_read(op, group);
  }
  void mark_read(uint32_t op, uint32_t group) {
    for (ValueId operand : function_.ops[op].operands) {
      uint32_t definition = definitions_[operand];
      if (definition == UINT32_MAX || is_inline(definition, op)) continue;
      if (plan_.recomputed[definition])
        mark_read(definition, group);
      else if (group_of_[definition] != group)
        stored_[operand] = true;
    }
  }

  // Whether `user` has the constant `definition` in its own body.
  bool is_inline(uint32_t definition, uint32_t user) const {
    return is_splat(function_.ops[definition]) && is_elementwise(function_.ops[user]);
  }

  // Reductions are the ends of a body, a contraction its beginning: ops are emitted in that order.
  static int rank(const Op &op) {
    return op.def->op_class == OpClass::contraction ? 0 : op.def->op_class == OpClass::reduction ? 2 : 1;
  }

  void emit(const FusionGroup &group) {
    Builder body(nullptr, "", function_.mode);
    std::map<ValueId, ValueId> inside;  // by value of the function
    std::vector<ValueId> operands;      // values of the function, as the body's arguments
    std::vector<uint32_t> ops = group.ops;
    std::stable_sort(ops.begin(), ops.end(),
                     [&](uint32_t a, uint32_t b) { return rank(function_.ops[a]) < rank(function_.ops[b]); });
    for (uint32_t op : ops) declare_operands(op, group_of_[op], body, inside, operands);
    for (uint32_t op : ops) emit_inside(op, body, inside);

    std::vector<ValueId> results, inner_results;
    for (uint32_t op : ops)
      for (ValueId result : function_.ops[op].results)
        if (stored_[result]) {
          results.push_back(result);
          inner_results.push_back(inside.at(result));
        }
    rewriter_.builder().set_location(function_.ops[ops.front()].location);
    std::vector<ValueId> now = rewriter_.builder().fused(std::string(name(group.kind)), rewriter_.map(operands),
                                                         body.finish(inner_results, {}));
    for (size_t i = 0; i < results.size(); ++i) {
      rewriter_.replace(results[i], now[i]);
      name_rounded(results[i], now[i]);
    }
  }

  // What is stored rounded to bf16 and nowhere else keeps its name.
  void name_rounded(ValueId old, ValueId now) {
    const Op &maker = function_.ops[definitions_[old]];
    if (maker.def->name != "cast" || has_name(function_.value(old)) || stored_[maker.operands[0]]) return;
    const Value &exact = function_.value(maker.operands[0]);
    if (has_name(exact)) rewriter_.builder().name(now, exact.name);
  }

  void declare_operands(uint32_t op, uint32_t group, Builder &body, std::map<ValueId, ValueId> &inside,
                        std::vector<ValueId> &operands) {
    for (ValueId operand : function_.ops[op].operands) {
      uint32_t definition = definitions_[operand];
      if (definition != UINT32_MAX && is_inline(definition, op)) continue;
      if (definition != UINT32_MAX && plan_.recomputed[definition]) {
        declare_operands(definition, group, body, inside, operands);
      } else if ((definition == UINT32_MAX || group_of_[definition] != group) && !inside.contains(operand)) {
        inside[operand] = body.argument(function_.value(operand).name, function_.type(operand));
        operands.push_back(operand);
      }
    }
  }

  void emit_inside(uint32_t index, Builder &body, std::map<ValueId, ValueId> &inside) {
    const Op &op = function_.ops[index];
    std::vector<ValueId> operands;
    for (ValueId operand : op.operands) {
      if (!inside.contains(operand)) emit_inside(definitions_[operand], body, inside);
      operands.push_back(inside.at(operand));
    }
    std::vector<ValueId> results = body.clone(op, function_, std::move(operands));
    for (size_t i = 0; i < results.size(); ++i) inside[op.results[i]] = results[i];
  }

  const Function &function_;
  FusionPlan plan_;
  std::vector<uint32_t> definitions_;
  std::vector<uint32_t> group_of_;  // by op
  std::vector<bool> stored_;        // by value
  Rewriter rewriter_;
};

bool is_fused(const Function &function) {
  return std::any_of(function.ops.begin(), function.ops.end(), [](const Op &op) { return op.body != nullptr; });
}

}  // namespace

void fuse(Module &module) {
  for (Function &function : module.functions)
    if (!is_fused(function)) function = Fuser(module, function).run();
}

}  // namespace netc
