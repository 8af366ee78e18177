// Comparisons of numbers and logic of booleans; results are booleans and have no gradient.
#include "ir/ops/elementwise_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

Types infer_comparison(const InferContext &c) {
  auto type = broadcast_types(c);
  if (!type) return tl::unexpected(type.error());
  return one(DType::boolean, std::move(type->shape));
}

Result<void> need_boolean(std::string_view op, const Type &x) {
  if (x.dtype == DType::boolean) return {};
  return fail(fmt::format("{} needs booleans, got {}", op, to_string(x)));
}
Types infer_logical(const InferContext &c) {
  NETC_TRY(need_boolean(c.op, c.operands[0]));
  NETC_TRY(need_boolean(c.op, c.operands.back()));
  if (c.operands.size() == 1) return one(c.operands[0]);
  return infer_comparison(c);
}

template <auto formula, Binary kind>
OpDef relation(std::string_view name, std::string_view doc, Types (*infer)(const InferContext &) = infer_comparison) {
  return {.name = name,
          .op_class = OpClass::elementwise,
          .doc = doc,
          .operands = {{"a", "any shape"}, {"b", "a shape that broadcasts with that of `a`, of the same element type"}},
          .infer = infer,
          .evaluate = evaluate_binary<[](double a, double b) { return formula(a, b) ? 1.0 : 0.0; }>,
          .element = element_binary<kind>};
}

}  // namespace

std::vector<OpDef> comparison_ops() {
  return {
      relation<[](double a, double b) { return a == b; }, Binary::equal>("equal", "`a == b`"),
      relation<[](double a, double b) { return a != b; }, Binary::not_equal>("not_equal", "`a != b`"),
      relation<[](double a, double b) { return a < b; }, Binary::less>("less", "`a < b`"),
      relation<[](double a, double b) { return a <= b; }, Binary::less_equal>("less_equal", "`a <= b`"),
      relation<[](double a, double b) { return (a > b); }, Binary::greater>("greater", "`a > b`"),
      relation<[](double a, double b) { return a >= b; }, Binary::greater_equal>("greater_equal", "`a >= b`"),
  };
}

std::vector<OpDef> logical_ops() {
  return {
      relation<[](double a, double b) { return a != 0 && b != 0; }, Binary::logical_and>(
          "logical_and", "True where both are.", infer_logical),
      relation<[](double a, double b) { return a != 0 || b != 0; }, Binary::logical_or>(
          "logical_or", "True where one of them is, or both.", infer_logical),
      {.name = "logical_not",
       .op_class = OpClass::elementwise,
       .doc = "True where `x` is not.",
       .operands = {{"x", "booleans of any shape"}},
       .infer = infer_logical,
       .evaluate = evaluate_unary<[](double x) { return x == 0 ? 1.0 : 0.0; }>,
       .element = element_unary<Unary::logical_not>},
  };
}

}  // namespace netc::ops
