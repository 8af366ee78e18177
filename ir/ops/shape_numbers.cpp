// Numbers made from shapes: the index along an axis, the size of axes.
#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

DType iota_dtype(const Op &op) { return *dtype_from_name(op.get<std::string>("dtype")); }

Types infer_iota(const InferContext &c) {
  auto dtype = dtype_from_name(c.get<std::string>("dtype"));
  if (!dtype) return tl::unexpected(dtype.error());
  Type type{*dtype, c.get<Shape>("shape")};
  NETC_TRY(need_number("iota", type));
  NETC_TRY(need_axis("iota", c.get<int64_t>("axis"), type));
  return one(std::move(type));
}
void evaluate_iota(EvaluateContext &c) {
  size_t i = 0;
  auto axis = c.get<int64_t>("axis");
  for_each_index(c.results[0].sizes,
                 [&](const std::vector<int64_t> &index) { c.results[0].data[i++] = static_cast<double>(index[axis]); });
}
Scalar pull_iota(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  return k.number(index[op.get<int64_t>("axis")], iota_dtype(op));
}

Types infer_axis_size(const InferContext &c) {
  NETC_TRY(axis_flags("axis_size", c.get<std::vector<int64_t>>("axes"), c.operands[0]));
  return one(DType::f32, {});
}
void evaluate_axis_size(EvaluateContext &c) {
  double product = 1;
  for (int64_t axis : c.get<std::vector<int64_t>>("axes")) product *= static_cast<double>(c.operands[0]->sizes[axis]);
  c.results[0].data[0] = product;
}
Scalar pull_axis_size(KernelBuilder &k, const Op &op, std::span<const Index>) {
  Dim product;
  for (int64_t axis : op.get<std::vector<int64_t>>("axes")) {
    Dim dim = k.operand_type(0).shape[axis];
    product = {product.size * dim.size, product.batch || dim.batch};
  }
  return k.extent(product, DType::f32);
}

}  // namespace

std::vector<OpDef> shape_numbers_ops() {
  return {
      {.name = "iota",
       .op_class = OpClass::elementwise,
       .doc = "Each element is its own index along an axis.",
       .attributes = {{"shape", AttributeKind::shape, "the shape of the result"},
                      {"axis", AttributeKind::integer, "the axis that is counted", Attribute{int64_t{0}}, 0},
                      {"dtype", AttributeKind::string, "the element type", Attribute{std::string("f32")}}},
       .infer = infer_iota,
       .evaluate = evaluate_iota,
       .pull = pull_iota},
      {.name = "axis_size",
       .op_class = OpClass::kernel,
       .doc = "The product of the sizes of some axes as a number, with the batch of the call.",
       .operands = {{"x", "any; its numbers are not read"}},
       .attributes = {{"axes", AttributeKind::integers, "which axes"}},
       .infer = infer_axis_size,
       .evaluate = evaluate_axis_size,
       .pull = pull_axis_size},
  };
}

}  // namespace netc::ops
