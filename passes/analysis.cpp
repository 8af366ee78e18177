#include "passes/analysis.h"

#include <algorithm>
#include <cctype>

namespace netc {

void replace_results(Rewriter &rewriter, const Op &op, const std::vector<ValueId> &with) {
  for (size_t i = 0; i < with.size(); ++i) rewriter.replace(op.results[i], with[i]);
}

bool has_name(const Value &value) {
  return !std::all_of(value.name.begin(), value.name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::vector<bool> find_weight_only(const Function &function) {
  std::vector<bool> weight_only(function.values.size(), false);
  for (const Op &op : function.ops) {
    bool all = op.def->name != "runtime_value" && op.def->name != "axis_size" && op.def->name != "random_uniform" &&
               !has_effect(op) && op.def->op_class != OpClass::composite;
    for (ValueId operand : op.operands) all = all && weight_only[operand];
    for (ValueId result : op.results) {
      const Shape &shape = function.type(result).shape;
      weight_only[result] = all && std::none_of(shape.begin(), shape.end(), [](const Dim &d) { return d.batch; });
    }
  }
  return weight_only;
}

bool has_effect(const Op &op) { return op.def->name == "write"; }

Bytes stored_bytes(const Value &value) {
  Bytes bytes{static_cast<int64_t>(byte_size(value.type.dtype)), false};
  for (size_t axis = 0; axis < value.type.shape.size(); ++axis) {
    const Dim &dim = value.type.shape[axis];
    int64_t size = dim.size;
    if (axis == 1) size += value.halo.top + value.halo.bottom;
    if (axis == 2) size += value.halo.left + value.halo.right;
    bytes.size *= size;
    bytes.batch = bytes.batch || dim.batch;
  }
  return bytes;
}

}  // namespace netc
