#include "passes/storage.h"

#include <algorithm>
#include <numeric>

#include "ir/op.h"

namespace netc {

std::vector<ValueId> alias_roots(const Function &function) {
  std::vector<ValueId> roots(function.values.size());
  std::iota(roots.begin(), roots.end(), ValueId{0});
  for (const Op &op : function.ops)
    if (op.def->op_class == OpClass::view) roots[op.results[0]] = roots[op.operands[0]];
  return roots;
}

std::vector<LiveRange> live_ranges(const Function &function, const std::vector<ValueId> &roots) {
  std::vector<LiveRange> ranges(function.values.size());
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    for (ValueId result : function.ops[i].results)
      if (roots[result] == result) ranges[result] = {i, i};
    for (ValueId operand : function.ops[i].operands) ranges[roots[operand]].last = i;
  }
  for (ValueId result : function.results) ranges[roots[result]].last = static_cast<uint32_t>(function.ops.size());
  for (ValueId value = 0; value < roots.size(); ++value) ranges[value] = ranges[roots[value]];
  return ranges;
}

bool reads_where_it_writes(const Function &function, const std::vector<ValueId> &roots, uint32_t op_index, ValueId old,
                           ValueId result) {
  const Op &op = function.ops[op_index];
  auto kind = op.attributes.find("kind");
  if (op.body == nullptr || kind == op.attributes.end() || std::get<std::string>(kind->second) != "map") return false;
  if (std::find(op.results.begin(), op.results.end(), result) == op.results.end()) return false;
  const Value &written = function.value(result);
  for (ValueId operand : op.operands) {
    if (roots[operand] != old) continue;
    const Value &read = function.value(operand);
    if (read.type != written.type || read.halo != written.halo) return false;
  }
  return true;
}

}  // namespace netc
