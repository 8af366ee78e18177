// Rows of a table by number, and the gradient of that.
#include <cmath>

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Result<void> need_indices(std::string_view op, const Type &x) {
  if (is_integer(x.dtype)) return {};
  return fail(fmt::format("{} needs integer indices, got {}", op, to_string(x)));
}

Types infer_gather(const InferContext &c) {
  const Type &table = c.operands[0], &indices = c.operands[1];
  NETC_TRY(need_number("gather", table));
  NETC_TRY(need_indices("gather", indices));
  if (table.rank() == 0) return fail(fmt::format("gather needs a table with rows, got {}", to_string(table)));
  Shape shape = indices.shape;
  shape.insert(shape.end(), table.shape.begin() + 1, table.shape.end());
  return one(table.dtype, std::move(shape));
}
Types infer_scatter(const InferContext &c) {
  const Type &updates = c.operands[0], &indices = c.operands[1];
  NETC_TRY(need_number("scatter_add", updates));
  NETC_TRY(need_indices("scatter_add", indices));
  bool starts =
      updates.rank() >= indices.rank() && std::equal(indices.shape.begin(), indices.shape.end(), updates.shape.begin());
  if (!starts)
    return fail(fmt::format("scatter_add: the shape of {} should start with that of the indices {}", to_string(updates),
                            to_string(indices)));
  Shape shape = {Dim{c.get<int64_t>("size")}};
  shape.insert(shape.end(), updates.shape.begin() + static_cast<int64_t>(indices.rank()), updates.shape.end());
  return one(updates.dtype, std::move(shape));
}

void gather_gradient(GradientContext &g) {
  Dim rows = g.builder.type(g.x(0)).shape[0];
  if (rows.batch) return;
  if (is_float(g.builder.type(g.x(0)).dtype))
    g.add(0, g.builder.emit("scatter_add", {g.dy(), g.x(1)}, {{"size", rows.size}}));
}
void scatter_gradient(GradientContext &g) { g.add(0, g.builder.emit("gather", {g.dy(), g.x(1)})); }

void evaluate_gather(EvaluateContext &c) {
  const Tensor &table = *c.operands[0], &indices = *c.operands[1];
  int64_t rows = table.sizes[0], row = table.count() / std::max<int64_t>(rows, 1);
  double outside = is_float(table.dtype) ? NAN : 0;
  for (size_t i = 0; i < indices.data.size(); ++i) {
    double number = indices.data[i];
    bool inside = number >= 0 && number < static_cast<double>(rows);
    for (int64_t j = 0; j < row; ++j)
      c.results[0].data[i * row + j] = inside ? table.data[static_cast<int64_t>(number) * row + j] : outside;
  }
}
void evaluate_scatter(EvaluateContext &c) {
  const Tensor &updates = *c.operands[0], &indices = *c.operands[1];
  Tensor &y = c.results[0];
  int64_t row = y.count() / y.sizes[0];
  for (size_t i = 0; i < indices.data.size(); ++i) {
    double number = indices.data[i];
    if (!(number >= 0 && number < static_cast<double>(y.sizes[0]))) continue;
    for (int64_t j = 0; j < row; ++j) y.data[static_cast<int64_t>(number) * row + j] += updates.data[i * row + j];
  }
}

// The index of a table's element: the first `rank` axes name an index, the rest lie within the row.
std::vector<Index> table_place(KernelBuilder &k, std::span<const Index> index) {
  size_t rank = k.operand_type(1).rank();
  std::vector<Index> place = {k.from_scalar(k.load(1, index.first(rank)))};
  place.insert(place.end(), index.begin() + static_cast<int64_t>(rank), index.end());
  return place;
}
Scalar pull_gather(KernelBuilder &k, const Op &, std::span<const Index> index) {
  DType dtype = k.operand_type(0).dtype;
  return k.load_or(0, table_place(k, index), k.constant(dtype, is_float(dtype) ? NAN : 0));
}
void push_scatter(KernelBuilder &k, const Op &, std::span<const Index> index) {
  k.accumulate(table_place(k, index), k.load(0, index));
}

}  // namespace

std::vector<OpDef> gather_ops() {
  return {
      {.name = "gather",
       .op_class = OpClass::kernel,
       .doc = "`table[indices]`: one row for each index, `indices.shape + table.shape[1:]`. An index outside the table "
              "gives NaN "
              "(0 for integers).",
       .operands = {{"table", "[rows, ...]"}, {"indices", "integers of any shape"}},
       .infer = infer_gather,
       .gradient = gather_gradient,
       .evaluate = evaluate_gather,
       .pull = pull_gather},
      {.name = "scatter_add",
       .op_class = OpClass::kernel,
       .doc = "The gradient of `gather`: a table of zeros to whose row `indices[i]` each `updates[i]` is added. An "
              "index outside "
              "is left out.",
       .operands = {{"updates", "indices.shape + [...]"}, {"indices", "integers of any shape"}},
       .attributes = {{"size", AttributeKind::integer, "the number of rows", std::nullopt, 1, int64_t{1} << 40}},
       .infer = infer_scatter,
       .gradient = scatter_gradient,
       .evaluate = evaluate_scatter,
       .push = push_scatter},
  };
}

}  // namespace netc::ops
