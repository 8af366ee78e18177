#include "codegen/pointwise.h"

#include <algorithm>

namespace netc {
namespace {

using Integers = std::vector<int64_t>;

bool sees_pixels_alone(const Op &op, const Function &body) {
  bool backward = op.def->name == "conv2d_backward_weights";
  if (op.def->name != "conv2d" && !backward) return false;
  const Shape &kernel = body.type(backward ? op.results[0] : op.operands[1]).shape;
  const Integers ones = {1, 1}, zeros = {0, 0, 0, 0};
  return kernel[0].is_one() && kernel[1].is_one() && op.get<Integers>("strides") == ones &&
         op.get<Integers>("padding") == zeros && op.get<int64_t>("groups") == 1 &&
         (backward || op.get<Integers>("input_dilation") == ones);
}

// [a, b, c, d] as [a*b*c, d]; a kernel [1, 1, in, out] becomes [in, out].
Shape flattened(const Shape &shape) {
  if (shape.size() != 4) return shape;
  return {product(std::span(shape).first(3)), shape[3]};
}

// What the flattened shape means is the same: one row for all or one for each of `rows`.
bool may_flatten(const Shape &shape, Dim rows) {
  if (shape.size() < 2) return true;
  if (shape.size() != 4) return false;
  Dim own = flattened(shape)[0];
  return own.is_one() || own == rows;
}

bool has_halo(const Storage &storage) { return !storage.layout.halo.empty(); }

}  // namespace

void flatten_pointwise(OpTask &task) {
  Function &body = task.body;
  if (body.ops.empty()) return;
  Op &op = body.ops[0];
  if (!sees_pixels_alone(op, body)) return;
  if (std::ranges::any_of(task.operands, has_halo) || std::ranges::any_of(task.results, has_halo)) return;
  Dim rows = flattened(body.type(op.results[0]).shape)[0];
  for (size_t n = 1; n < body.ops.size(); ++n) {
    const Op &after = body.ops[n];
    if (after.def->op_class == OpClass::reduction) continue;
    if (after.def->name == "constant" && after.get<Shape>("shape").size() < 2) continue;
    if (after.def->op_class != OpClass::elementwise || after.attributes.contains("shape")) return;
    for (ValueId operand : after.operands)
      if (!may_flatten(body.type(operand).shape, rows)) return;
  }

  for (Op &after : body.ops)
    if (after.def->op_class == OpClass::reduction) after.attributes["axes"] = Integers{0};
  op.attributes = {{"transpose_a", op.def->name == "conv2d_backward_weights"}, {"transpose_b", false}};
  op.def = find_op("matmul");
  for (Value &value : body.values) value.type.shape = flattened(value.type.shape);
  for (Storage &storage : task.operands) storage.layout.type.shape = flattened(storage.layout.type.shape);
  for (Storage &storage : task.results) storage.layout.type.shape = flattened(storage.layout.type.shape);
}

}  // namespace netc
