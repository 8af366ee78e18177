#include "codegen/kernel_name.h"

#include <algorithm>

#include "ir/op.h"

namespace netc {

namespace {

// The contraction in an op, fused or alone; null for none.
const Op *contraction_of(const Op &op) {
  if (op.body == nullptr) return op.def->op_class == OpClass::contraction ? &op : nullptr;
  for (const Op &inner : op.body->ops)
    if (inner.def->op_class == OpClass::contraction) return &inner;
  return nullptr;
}

bool sums_over_samples(const Op &contraction) {
  return contraction.def->name == "conv2d_backward_weights" ||
         (contraction.def->name == "matmul" && contraction.get<bool>("transpose_a"));
}

std::string direction_of(const Op &op) {
  if (!op.location.backward) return "forward";
  const Op *contraction = contraction_of(op);
  if (contraction == nullptr) return "backward";
  return sums_over_samples(*contraction) ? "backward weights" : "backward data";
}

std::string ops_of(const Op &op) {
  if (op.body == nullptr) return std::string(op.def->name);
  std::string name;
  int count = 0;
  for (const Op &inner : op.body->ops) {
    if (inner.def->name == "constant") continue;
    if (++count <= 2) name += (count > 1 ? "_" : "") + std::string(inner.def->name);
  }
  if (count > 2) name += "_etc";
  return count == 0 ? "copy" : name;
}

}  // namespace

std::string KernelName::symbol(const std::string &function) const {
  std::string name = function + "." + (step.empty() ? ops : step + "." + direction);
  std::ranges::replace(name, ' ', '_');
  return name;
}

KernelName kernel_name(const Op &op) {
  return {op.location.step ? *op.location.step : "", direction_of(op), ops_of(op)};
}

}  // namespace netc
