// Orders the ops of a function: a weight is updated as soon as its gradient is there and nobody needs the old value any
// more; everything else keeps its order; writes come last.
//
// Why: the gradient's memory is free again after the update, and an update in the weight's own storage needs all reads
// of the old value behind it. What the written value depends on comes first, as always. Before: fused ops. After: the
// order is final; a `write` that is a copy may safely run where it stands.
#include <algorithm>
#include <queue>

#include "passes/analysis.h"
#include "passes/storage.h"
#include "passes/transforms.h"

namespace netc {
namespace {

class Orderer {
 public:
  explicit Orderer(Function &function)
      : function_(function), successors_(function.ops.size()), updates_(function.ops.size()) {}

  void run() {
    add_dependencies();
    find_updates();
    for (const auto &[update, others] : readers_of_updated_) add_reads_before(update, others);
    emit();
  }

 private:
  void add_edge(uint32_t before, uint32_t after) { successors_[before].push_back(after); }

  void add_dependencies() {
    definitions_ = defining_ops(function_);
    for (uint32_t i = 0; i < function_.ops.size(); ++i)
      for (ValueId operand : function_.ops[i].operands)
        if (definitions_[operand] != UINT32_MAX) add_edge(definitions_[operand], i);
  }

  // An update is an op that makes a written value. Who else uses the old value of that weight must come before it.
  void find_updates() {
    std::vector<ValueId> roots = alias_roots(function_);
    std::map<std::string, std::vector<uint32_t>, std::less<>> readers;  // by weight
    std::vector<const std::string *> weight_of(function_.values.size(), nullptr);
    for (const Op &op : function_.ops)
      if (op.def->name == "read") weight_of[op.results[0]] = &op.get<std::string>("weight");
    for (uint32_t i = 0; i < function_.ops.size(); ++i)
      for (ValueId operand : function_.ops[i].operands)
        if (const std::string *weight = weight_of[roots[operand]]; weight != nullptr) readers[*weight].push_back(i);
    for (const Op &op : function_.ops) {
      if (!has_effect(op)) continue;
      uint32_t update = definitions_[roots[op.operands[0]]];
      if (update == UINT32_MAX) continue;
      updates_[update] = true;
      readers_of_updated_.emplace_back(update, readers[op.get<std::string>("weight")]);
    }
  }

  // Where the update is needed before a reader, `write` stays a copy: no edge.
  void add_reads_before(uint32_t update, const std::vector<uint32_t> &readers) {
    for (uint32_t reader : readers)
      if (reader != update && !has_effect(function_.ops[reader]) && !reaches(update, reader)) add_edge(reader, update);
  }

  bool reaches(uint32_t from, uint32_t to) const {
    std::vector<bool> seen(function_.ops.size(), false);
    std::vector<uint32_t> open{from};
    while (!open.empty()) {
      uint32_t at = open.back();
      open.pop_back();
      if (at == to) return true;
      for (uint32_t next : successors_[at]) {
        if (seen[next]) continue;
        seen[next] = true;
        open.push_back(next);
      }
    }
    return false;
  }

  // Reads cost nothing and hold nobody up; writes come last.
  int urgency(uint32_t op) const {
    if (has_effect(function_.ops[op])) return 3;
    if (function_.ops[op].def->op_class == OpClass::state) return 0;
    return updates_[op] ? 1 : 2;
  }

  // Of the ops that may come next the most urgent, and of those the first in the old order.
  void emit() {
    using Ready = std::pair<int, uint32_t>;
    std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready;
    std::vector<uint32_t> waiting(function_.ops.size(), 0);
    for (const std::vector<uint32_t> &list : successors_)
      for (uint32_t after : list) ++waiting[after];
    auto push = [&](uint32_t op) { ready.emplace(urgency(op), op); };
    for (uint32_t i = 0; i < waiting.size(); ++i)
      if (waiting[i] == 0) push(i);
    std::vector<Op> ordered;
    while (!ready.empty()) {
      uint32_t op = ready.top().second;
      ready.pop();
      for (uint32_t after : successors_[op])
        if (--waiting[after] == 0) push(after);
      ordered.push_back(std::move(function_.ops[op]));
    }
    function_.ops = std::move(ordered);
  }

  Function &function_;
  std::vector<uint32_t> definitions_;
  std::vector<std::vector<uint32_t>> successors_;
  std::vector<bool> updates_;
  std::vector<std::pair<uint32_t, std::vector<uint32_t>>> readers_of_updated_;
};

}  // namespace

void order_ops(Module &module) {
  for (Function &function : module.functions) Orderer(function).run();
}

}  // namespace netc
