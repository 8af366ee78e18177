#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  const Type &a = c.operands[0], &b = c.operands[1];
  NETC_TRY(need_float("matmul", a));
  NETC_TRY(same_dtype("matmul", a, b));
  for (const Type *x : {&a, &b})
    if (x->rank() != 2)
      return fail(fmt::format("matmul needs two matrices, got {} and {}", to_string(a), to_string(b)),
                  x->rank() > 2 ? "flatten it first, or reshape it to [rows, columns]" : "");
  bool ta = c.get<bool>("transpose_a"), tb = c.get<bool>("transpose_b");
  Dim inner_a = a.shape[ta ? 0 : 1], inner_b = b.shape[tb ? 1 : 0];
  if (inner_a != inner_b)
    return fail(fmt::format("matmul: {}{} has {} columns, but {}{} has {} rows", to_string(a), ta ? " transposed" : "",
                            to_string(inner_a), to_string(b), tb ? " transposed" : "", to_string(inner_b)));
  return one(sum_type(a.dtype), {a.shape[ta ? 1 : 0], b.shape[tb ? 0 : 1]});
}

void gradient(GradientContext &g) {
  Builder &b = g.builder;
  bool ta = g.op.get<bool>("transpose_a"), tb = g.op.get<bool>("transpose_b");
  DType dtype = b.type(g.x(0)).dtype;
  ValueId dy = emit::cast(b, g.dy(), dtype);
  ValueId da = ta ? emit::matmul(b, g.x(1), dy, tb, true) : emit::matmul(b, dy, g.x(1), false, !tb);
  ValueId db = tb ? emit::matmul(b, dy, g.x(0), true, ta) : emit::matmul(b, g.x(0), dy, !ta, false);
  g.add(0, emit::cast(b, da, dtype));
  g.add(1, emit::cast(b, db, dtype));
}

void evaluate(EvaluateContext &c) {
  const Tensor &a = *c.operands[0], &b = *c.operands[1];
  bool ta = c.get<bool>("transpose_a"), tb = c.get<bool>("transpose_b");
  Tensor &y = c.results[0];
  int64_t rows = y.sizes[0], columns = y.sizes[1], inner = a.sizes[ta ? 0 : 1];
  int64_t row_stride = ta ? 1 : inner, a_step = ta ? rows : 1;
  int64_t column_stride = tb ? inner : 1, b_step = tb ? 1 : columns;
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t k = 0; k < inner; ++k) {
      double factor = a.data[m * row_stride + k * a_step];
      for (int64_t n = 0; n < columns; ++n) y.data[m * columns + n] += factor * b.data[n * column_stride + k * b_step];
    }
}

}  // namespace

std::vector<OpDef> matmul_ops() {
  return {
      {.name = "matmul",
       .op_class = OpClass::contraction,
       .doc = "The product of two matrices, `[M, K] x [K, N]`, each transposed first if so asked. Of bf16 the products "
              "are added up in f32, and so is the result.",
       .operands = {{"a", "[M, K], or [K, M] transposed"}, {"b", "[K, N], or [N, K] transposed"}},
       .attributes = {{"transpose_a", AttributeKind::boolean, "`a` is stored [K, M]", Attribute{false}},
                      {"transpose_b", AttributeKind::boolean, "`b` is stored [N, K]", Attribute{false}}},
       .infer = infer,
       .gradient = gradient,
       .evaluate = evaluate}};
}

}  // namespace netc::ops
