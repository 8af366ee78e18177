#include <immintrin.h>

#include <cstring>

#include "bench/kernel_bench/contestant.h"
#include "bench/kernel_bench/memory.h"

namespace netc::kernel_bench {
namespace {

constexpr int kChains = 12;  // of multiply-adds that do not wait for each other
constexpr int64_t kTurns = 5000;

__attribute__((target("avx512f"), noinline)) float multiply_add_512(float x) {
  __m512 sums[kChains], factor = _mm512_set1_ps(x);
  for (auto &sum : sums) sum = factor;
  for (int64_t i = 0; i < kTurns; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm512_fmadd_ps(sums[k], factor, factor);
  }
  float result = 0;
  for (auto &sum : sums) result += sum[0];
  return result;
}

__attribute__((target("avx2,fma"), noinline)) float multiply_add_256(float x) {
  __m256 sums[kChains], factor = _mm256_set1_ps(x);
  for (auto &sum : sums) sum = factor;
  for (int64_t i = 0; i < kTurns; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm256_fmadd_ps(sums[k], factor, factor);
  }
  float result = 0;
  for (auto &sum : sums) result += sum[0];
  return result;
}

}  // namespace

Run limit(const Case &test, const Target &target, double &amount) {
  if (const auto *sweep = std::get_if<Sweep>(&test.work)) {
    size_t elements = static_cast<size_t>(sweep->elements()), bytes = elements * sizeof(float);
    amount = 2.0 * static_cast<double>(bytes);
    return [from = filled(elements), to = filled(elements), bytes] { std::memcpy(to.get(), from.get(), bytes); };
  }
  auto *multiply_add = target.vector_floats == 16 ? multiply_add_512 : multiply_add_256;
  amount = 2.0 * kChains * kTurns * target.vector_floats;
  return [multiply_add] {
    volatile float sink = multiply_add(0.5F);
    (void)sink;
  };
}

}  // namespace netc::kernel_bench
