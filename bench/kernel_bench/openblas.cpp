#include <cblas.h>

#include "bench/kernel_bench/contestant.h"
#include "bench/kernel_bench/memory.h"

namespace netc::kernel_bench {
namespace {

// [rows, steps] x [steps, columns]; a transposed operand lies the other way round.
Run product(int64_t rows, int64_t steps, int64_t columns, bool transpose_a, bool transpose_b) {
  auto count = [](int64_t a, int64_t b) { return static_cast<size_t>(a * b); };
  auto a = filled(count(rows, steps)), b = filled(count(steps, columns)), c = filled(count(rows, columns));
  auto m = static_cast<blasint>(rows), k = static_cast<blasint>(steps), n = static_cast<blasint>(columns);
  if (rows == 1) return [=] { cblas_sgemv(CblasRowMajor, CblasTrans, k, n, 1, b.get(), n, a.get(), 1, 0, c.get(), 1); };
  return [=] {
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, m, n,
                k, 1, a.get(), transpose_a ? m : k, b.get(), transpose_b ? k : n, 0, c.get(), n);
  };
}

}  // namespace

Run openblas(const Case &test) {
  int64_t batch = 0, in = 0, out = 0;
  if (const auto *dense = std::get_if<Dense>(&test.work)) {
    if (dense->bf16) return {};
    batch = dense->batch, in = dense->inputs, out = dense->outputs;
  } else if (const auto *convolution = std::get_if<Convolution>(&test.work); convolution && convolution->kernel == 1) {
    batch = convolution->images * convolution->size * convolution->size;
    in = convolution->channels, out = convolution->filters;
  } else {
    return {};
  }
  openblas_set_num_threads(1);
  switch (test.direction) {
    case Direction::backward_data:
      return product(batch, out, in, false, true);
    case Direction::backward_weights:
      return product(in, batch, out, true, false);
    default:
      return product(batch, in, out, false, false);
  }
}

}  // namespace netc::kernel_bench
