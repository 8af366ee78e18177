#include "passes/activations.h"

#include <algorithm>

#include "ir/op.h"

namespace netc {
namespace {

constexpr int64_t kLargeSample = 256;  // elements

bool contracts(const Op &op) {
  if (op.def->op_class == OpClass::contraction) return true;
  return op.body != nullptr && std::ranges::any_of(op.body->ops, contracts);
}

}  // namespace

std::vector<bool> find_activations(const Function &function) {
  std::vector<bool> activations(function.values.size(), false);
  for (const Op &op : function.ops) {
    bool active =
        contracts(op) || std::ranges::any_of(op.operands, [&](ValueId operand) { return activations[operand]; });
    for (ValueId result : op.results) activations[result] = active;
  }
  return activations;
}

bool is_large_activation(const Type &type) {
  if (type.dtype != DType::f32) return false;
  Result<Dim> count = element_count(type.shape);
  return count && count->batch && count->size >= kLargeSample;
}

}  // namespace netc
