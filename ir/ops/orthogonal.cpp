#include <algorithm>
#include <cmath>

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/random_helpers.h"
#include "ir/ops/registry.h"
#include "ir/philox.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  const Shape &shape = c.get<Shape>("shape");
  bool fixed = std::none_of(shape.begin(), shape.end(), [](Dim d) { return d.batch; });
  if (shape.size() < 2 || !fixed)
    return fail(fmt::format("orthogonal needs a shape of at least two sizes, got {}", to_string(shape)),
                "initialise biases with zeros");
  return one(DType::f32, shape);
}

// The columns of the tall one of the matrix [all but the last size, last size] and its transpose are made orthonormal
// by Gram-Schmidt, twice over each column for accuracy: the Q of a QR decomposition whose R has a positive diagonal.
void evaluate(EvaluateContext &c) {
  Tensor &y = c.results[0];
  int64_t last = y.sizes.back(), first = y.count() / last;
  int64_t rows = std::max(first, last), columns = std::min(first, last);
  auto stream = static_cast<uint64_t>(c.get<int64_t>("stream"));
  std::vector<std::vector<double>> q(columns, std::vector<double>(rows));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      q[j][i] = normal_from_uniform(philox_uniform(c.seed, stream, c.step, static_cast<uint64_t>(i * columns + j)));
  for (int64_t j = 0; j < columns; ++j) {
    for (int round = 0; round < 2; ++round)
      for (int64_t k = 0; k < j; ++k) {
        double dot = 0;
        for (int64_t i = 0; i < rows; ++i) dot += q[k][i] * q[j][i];
        for (int64_t i = 0; i < rows; ++i) q[j][i] -= dot * q[k][i];
      }
    double square = 0;
    for (double x : q[j]) square += x * x;
    for (double &x : q[j]) x /= std::sqrt(square);
  }
  for (int64_t i = 0; i < first; ++i)
    for (int64_t j = 0; j < last; ++j) y.data[i * last + j] = first >= last ? q[j][i] : q[i][j];
}

}  // namespace

std::vector<OpDef> orthogonal_ops() {
  return {{.name = "orthogonal",
           .op_class = OpClass::kernel,
           .doc = "A random orthogonal matrix, seen as [all sizes but the last, the last]: orthonormal columns, or "
                  "rows where it is "
                  "wide. Q of the QR decomposition, with R's diagonal positive, of a matrix of normal numbers as "
                  "`random_normal` "
                  "draws them (of the transpose where it is wide). (Saxe, McClelland, Ganguli, \"Exact solutions to "
                  "the nonlinear "
                  "dynamics of learning in deep linear neural networks\", 2014.) The runtime computes it.",
           .attributes = {random_shape_attribute(), stream_attribute()},
           .infer = infer,
           .evaluate = evaluate}};
}

}  // namespace netc::ops
