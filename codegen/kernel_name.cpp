#include "codegen/kernel_name.h"

#include <algorithm>
#include <vector>

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

std::string direction(const Op &op, const Function &function) {
  if (contraction_of(op) == nullptr || op.location.file == nullptr) return "";
  std::vector<const Op *> here;
  for (const Op &other : function.ops)
    if (contraction_of(other) != nullptr && other.location.file != nullptr &&
        *other.location.file == *op.location.file && other.location.line == op.location.line &&
        other.location.column == op.location.column)
      here.push_back(&other);
  auto weights =
      std::ranges::count_if(here, [](const Op *other) { return sums_over_samples(*contraction_of(*other)); });
  if (here.size() < 2 || here.size() > 3 || weights != 1 || sums_over_samples(*contraction_of(*here[0]))) return "";
  if (&op == here[0]) return ".forward";
  return sums_over_samples(*contraction_of(op)) ? ".backward_weights" : ".backward_data";
}

// The first two ops that compute; "_etc" stands for the others.
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

std::string kernel_name(const Op &op, const Function &function) {
  std::string name;
  if (!op.results.empty()) name = function.value(op.results[0]).name;
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) name = ops_of(op);
  return function.name + "." + name + direction(op, function);
}

}  // namespace netc
