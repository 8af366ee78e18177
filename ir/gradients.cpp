#include "ir/gradients.h"

#include <algorithm>

#include "ir/emit.h"

namespace netc {
namespace {

bool reads_any(const Op &op, const std::vector<bool> &values) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](ValueId operand) { return values[operand]; });
}

// Which values change when one of `wrt` does, as far as gradients flow.
std::vector<bool> depends_on(const Function &function, const std::vector<ValueId> &wrt) {
  std::vector<bool> active(function.values.size(), false);
  for (ValueId value : wrt) active[value] = true;
  for (const Op &op : function.ops) {
    if (!op.def->gradient || !reads_any(op, active)) continue;
    for (ValueId result : op.results) active[result] = true;
  }
  return active;
}

ValueId sum(Builder &builder, const std::vector<ValueId> &terms) {
  if (terms.empty()) return kNoValue;
  ValueId total = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) total = emit::add(builder, total, terms[i]);
  return total;
}

}  // namespace

std::vector<ValueId> build_gradients(Builder &builder, ValueId loss, const std::vector<ValueId> &wrt) {
  const size_t op_count = builder.function().ops.size(), value_count = builder.function().values.size();
  std::vector<bool> active = depends_on(builder.function(), wrt);
  std::vector<std::vector<ValueId>> terms(value_count);  // of the gradient of each value
  Location location = builder.location();
  if (active[loss]) terms[loss].push_back(builder.constant(1, builder.type(loss).dtype));

  std::vector<bool> wanted(value_count, false);
  for (ValueId value : wrt) wanted[value] = true;
  for (size_t i = op_count; i-- > 0;) {
    const OpDef *def = builder.function().ops[i].def;
    if (!def->gradient || !reads_any(builder.function().ops[i], active)) continue;
    const Op op = builder.function().ops[i];  // a copy: the list grows below
    std::vector<ValueId> result_gradients;
    bool reached = false;
    Location place = op.location;
    place.backward = place.file != nullptr;
    builder.set_location(place);
    for (ValueId result : op.results) {
      ValueId gradient = active[result] ? sum(builder, terms[result]) : kNoValue;
      if (gradient != kNoValue) terms[result] = {gradient};
      reached = reached || gradient != kNoValue;
      result_gradients.push_back(gradient);
    }
    if (!reached) continue;
    std::vector<std::vector<ValueId>> operand_gradients(op.operands.size());
    GradientContext context{builder, op, result_gradients, operand_gradients};
    def->gradient(context);
    for (size_t k = 0; k < op.operands.size(); ++k) {
      if (!active[op.operands[k]]) continue;
      auto &into = terms[op.operands[k]];
      into.insert(into.end(), operand_gradients[k].begin(), operand_gradients[k].end());
    }
    for (ValueId result : op.results)
      if (!wanted[result]) terms[result] = {};
  }

  builder.set_location(location);
  std::vector<ValueId> gradients;
  for (ValueId value : wrt) {
    ValueId gradient = sum(builder, terms[value]);
    if (gradient != kNoValue) terms[value] = {gradient};
    gradients.push_back(gradient == kNoValue ? emit::zeros_like(builder, value) : gradient);
  }
  return gradients;
}

}  // namespace netc
