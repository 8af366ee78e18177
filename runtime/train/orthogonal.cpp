// nc_orthogonal (runtime/abi.h): the initialiser `orthogonal` (Saxe, McClelland, Ganguli: "Exact solutions to the
// nonlinear dynamics of learning in deep linear neural networks", 2013), by Householder reflections (Golub, Van Loan:
// "Matrix Computations", 5.2), in f64. Normal numbers come from Philox words by the method of Box and Muller.
#include <cmath>
#include <numbers>
#include <vector>

#include "runtime/abi.h"
#include "runtime/random.h"

namespace netc::runtime {
namespace {

struct Matrix {
  int64_t rows, columns;
  std::vector<double> values;  // column-major: reflections run down columns
  Matrix(int64_t r, int64_t c) : rows(r), columns(c), values(static_cast<size_t>(r * c)) {}
  double *column(int64_t index) { return values.data() + index * rows; }
};

double normal(uint64_t seed, uint64_t stream, uint64_t step, uint64_t element) {
  PhiloxWords words = philox({static_cast<uint32_t>(element), static_cast<uint32_t>(element >> 32),
                              static_cast<uint32_t>(stream), static_cast<uint32_t>(step)},
                             {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  double radius = std::sqrt(-2 * std::log((words[0] + 1.0) * 0x1p-32));
  return radius * std::cos(2 * std::numbers::pi * words[1] * 0x1p-32);
}

double dot(const double *a, const double *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// x -= 2 v (v . x) for a unit vector v.
void reflect(const double *v, double *x, int64_t count) {
  double twice = 2 * dot(v, x, count);
  for (int64_t i = 0; i < count; ++i) x[i] -= twice * v[i];
}

// Replaces a (rows >= columns) by the Q of its QR decomposition with a positive diagonal of R.
void orthonormalise(Matrix &a) {
  std::vector<double> signs(static_cast<size_t>(a.columns));
  for (int64_t k = 0; k < a.columns; ++k) {
    double *v = a.column(k) + k;  // becomes the reflection's unit vector, kept below the diagonal
    int64_t length = a.rows - k;
    double norm = std::sqrt(dot(v, v, length));
    // The reflection sends v to -sign(v0) * norm, the diagonal entry of R.
    signs[k] = v[0] >= 0 ? -1 : 1;
    v[0] -= signs[k] * norm;
    double scale = std::sqrt(dot(v, v, length));
    for (int64_t i = 0; i < length; ++i) v[i] = scale > 0 ? v[i] / scale : 0;
    for (int64_t j = k + 1; j < a.columns; ++j) reflect(v, a.column(j) + k, length);
  }
  Matrix q(a.rows, a.columns);
  for (int64_t j = 0; j < a.columns; ++j) {
    double *column = q.column(j);
    column[j] = signs[j];
    for (int64_t k = j; k >= 0; --k) reflect(a.column(k) + k, column + k, a.rows - k);
  }
  a = std::move(q);
}

}  // namespace
}  // namespace netc::runtime

extern "C" void nc_orthogonal(float *out, int64_t rows, int64_t columns, uint64_t seed, uint64_t stream,
                              uint64_t step) {
  using namespace netc::runtime;
  bool wide = rows < columns;
  Matrix matrix(wide ? columns : rows, wide ? rows : columns);
  for (int64_t i = 0; i < rows * columns; ++i) matrix.values[i] = normal(seed, stream, step, static_cast<uint64_t>(i));
  orthonormalise(matrix);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      out[r * columns + c] = static_cast<float>(wide ? matrix.column(r)[c] : matrix.column(c)[r]);
    }
  }
}
