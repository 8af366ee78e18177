// What the processor allows the tile of a contraction (docs/performance.md) with operands in the first-level cache: the
// bare loop, for several shapes of tile, beside multiply-adds whose operands are registers. Prints GFLOP/s of one
// thread.
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace {

constexpr int kSteps = 256, kTiles = 200, kRounds = 60, kLanes = 16;
constexpr int kRowStride = 1040;  // floats: no rows meet in the cache

struct Operands {
  std::vector<float> a = std::vector<float>(16 * kRowStride, 0.5F);
  std::vector<float> b = std::vector<float>(kSteps * 8 * kLanes, -0.25F);
};

// Rows x Vectors sums; Vectors = 0: one vector a row, operands that stay in registers.
template <int Rows, int Vectors>
__attribute__((target("avx512f"), noinline)) float multiply_tile(const float *a, const float *b) {
  constexpr int kColumns = std::max(Vectors, 1);
  __m512 sums[Rows * kColumns], constant = _mm512_set1_ps(*a);
  for (auto &sum : sums) sum = _mm512_setzero_ps();
#pragma GCC unroll 4
  for (int k = 0; k < kSteps; ++k, ++a, b += kLanes * kColumns) {
    __m512 columns[kColumns];
#pragma GCC unroll 8
    for (int v = 0; v < kColumns; ++v) columns[v] = Vectors == 0 ? constant : _mm512_loadu_ps(b + kLanes * v);
#pragma GCC unroll 32
    for (int r = 0; r < Rows; ++r) {
      __m512 element = Vectors == 0 ? constant : _mm512_set1_ps(a[r * kRowStride]);
#pragma GCC unroll 8
      for (int v = 0; v < kColumns; ++v) {
        __m512 &sum = sums[r * kColumns + v];
        sum = _mm512_fmadd_ps(element, columns[v], sum);
      }
    }
    asm volatile("" : "+v"(constant));
  }
  float total = 0;
  for (auto &sum : sums) total += sum[0];
  return total;
}

template <int Rows, int Vectors>
void measure(const char *name) {
  Operands operands;
  double best = 0;
  volatile float sink = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto start = std::chrono::steady_clock::now();
    for (int tile = 0; tile < kTiles; ++tile)
      sink = sink + multiply_tile<Rows, Vectors>(operands.a.data(), operands.b.data());
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, 2.0 * kTiles * kSteps * Rows * std::max(Vectors, 1) * kLanes / seconds / 1e9);
  }
  std::printf("%-10s %6.0f GFLOP/s\n", name, best);
}

}  // namespace

int main() {
  if (!__builtin_cpu_supports("avx512f")) {
    std::printf("this processor has no AVX-512\n");
    return 0;
  }
  measure<24, 0>("registers");
  measure<12, 2>("12 x 2");
  measure<9, 3>("9 x 3");
  measure<6, 4>("6 x 4");
  measure<5, 5>("5 x 5");
  measure<4, 6>("4 x 6");
}
