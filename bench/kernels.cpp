// How near the contraction kernels come to the multiply-add peak of one core, measured in the same run, because
// absolute figures drift with clocks and neighbours.
//
//     bench_kernels [CPU] [FILTER] [--ir] [--no-winograd]    CPU: x86-64-v2, x86-64-v3, x86-64-v4, native (default)
//
// Times are the best of many short runs, shares of the peak their median. All memory is written before it is read. --ir
// prints the LLVM IR instead.
#include <fmt/format.h>
#include <immintrin.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "test/unit/codegen/contraction_harness.h"

using namespace netc;
using namespace netc::contraction_test;

namespace {

// Of this thread: a busy machine disturbs it less than the wall clock.
double seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

constexpr int kChains = 12;

__attribute__((target("avx512f"), noinline)) float multiply_add_512(int64_t turns, float x) {
  __m512 sums[kChains], factor = _mm512_set1_ps(x);
  for (auto &sum : sums) sum = factor;
  for (int64_t i = 0; i < turns; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm512_fmadd_ps(sums[k], factor, factor);
  }
  float result = 0;
  for (auto &sum : sums) result += sum[0];
  return result;
}

__attribute__((target("avx2,fma"), noinline)) float multiply_add_256(int64_t turns, float x) {
  __m256 sums[kChains], factor = _mm256_set1_ps(x);
  for (auto &sum : sums) sum = factor;
  for (int64_t i = 0; i < turns; ++i) {
#pragma GCC unroll 12
    for (int k = 0; k < kChains; ++k) sums[k] = _mm256_fmadd_ps(sums[k], factor, factor);
  }
  float result = 0;
  for (auto &sum : sums) result += sum[0];
  return result;
}

// Seconds of a run of multiply-adds in registers, and how many floating-point operations it does.
constexpr int64_t kPeakTurns = 5000;
double peak_seconds(unsigned lanes) {
  double start = seconds();
  volatile float sink = lanes == 16 ? multiply_add_512(kPeakTurns, 0.5F) : multiply_add_256(kPeakTurns, 0.5F);
  (void)sink;
  return seconds() - start;
}
double peak_operations(unsigned lanes) { return 2.0 * (lanes == 16 ? 16 : 8) * kChains * kPeakTurns; }

struct Case {
  std::string name;
  Contraction contraction;
  int64_t batch;
  double multiply_adds;
};

std::vector<Case> cases() {
  constexpr Dim B{1, true};
  std::vector<Case> all;
  auto dense = [&](int64_t batch, int64_t in, int64_t out) {
    double work = static_cast<double>(batch * in * out);
    std::string shape = fmt::format("{}x{}->{}", batch, in, out);
    all.push_back({"dense forward " + shape, matmul(B, {in}, {out}, false, false), batch, work});
    if (batch == 1) return;
    all.push_back({"dense backward data " + shape, matmul(B, {out}, {in}, false, true), batch, work});
    all.push_back({"dense backward weights " + shape, matmul({in}, B, {out}, true, false), batch, work});
  };
  auto convolution = [&](int64_t batch, int64_t size, int64_t in, int64_t out, int64_t kernel = 3, int64_t stride = 1) {
    int64_t edge = kernel / 2;
    Window window{.kernel_height = kernel,
                  .kernel_width = kernel,
                  .strides = {stride, stride},
                  .padding = {edge, edge, edge, edge}};
    Halo halo{edge, edge, edge, edge};
    Contraction forward = conv2d(B, size, size, in, out, window, halo);
    int64_t result = forward.result.type.shape[1].size;
    double work = static_cast<double>(batch * result * result * in * out * kernel * kernel);
    std::string shape = fmt::format("{}x{}x{}x{}->{} {}x{}/{}", batch, size, size, in, out, kernel, kernel, stride);
    all.push_back({"conv forward " + shape, forward, batch, work});
    Window back = window;
    int64_t crop = (size + 2 * edge - kernel) % stride;
    back.strides = {1, 1};
    back.input_dilation = {stride, stride};
    back.padding = {kernel - 1 - edge, kernel - 1 - edge + crop, kernel - 1 - edge, kernel - 1 - edge + crop};
    all.push_back({"conv backward data " + shape, conv2d(B, result, result, out, in, back, halo), batch, work});
    all.push_back(
        {"conv backward weights " + shape, conv2d_backward_weights(B, size, size, in, out, window, halo), batch, work});
  };
  auto depthwise = [&](int64_t batch, int64_t size, int64_t channels) {
    Window window{.padding = {1, 1, 1, 1}, .groups = channels};
    double work = static_cast<double>(batch * size * size * channels * 9);
    std::string shape = fmt::format("{}x{}x{}x{}", batch, size, size, channels);
    all.push_back(
        {"depthwise forward " + shape, conv2d(B, size, size, channels, channels, window, {1, 1, 1, 1}), batch, work});
    all.push_back({"depthwise backward weights " + shape,
                   conv2d_backward_weights(B, size, size, channels, channels, window, {1, 1, 1, 1}), batch, work});
  };
  convolution(2, 28, 1, 32);
  convolution(2, 28, 32, 32);
  convolution(64, 28, 32, 32);
  convolution(64, 14, 32, 64);
  convolution(64, 14, 64, 64);
  convolution(64, 7, 64, 128);
  convolution(16, 56, 64, 64);
  convolution(2, 14, 32, 64);
  convolution(2, 14, 64, 64);
  convolution(2, 7, 64, 128);
  convolution(2, 32, 64, 64);
  convolution(2, 8, 256, 256);
  convolution(2, 28, 32, 64, 3, 2);
  convolution(2, 14, 64, 128, 1);
  convolution(2, 32, 3, 32);
  dense(64, 784, 128);
  dense(64, 3136, 128);
  dense(128, 784, 512);
  dense(64, 784, 512);
  dense(64, 512, 512);
  dense(64, 512, 256);
  dense(8, 784, 128);
  dense(32, 784, 128);
  dense(32, 100, 128);
  dense(32, 64, 64);
  dense(64, 128, 10);
  dense(1, 784, 128);
  dense(1, 3136, 128);
  all.push_back({"product 512x512x512", matmul({512}, {512}, {512}, false, false), 1, 512.0 * 512 * 512});
  depthwise(2, 28, 64);
  return all;
}

struct Free {
  void operator()(float *numbers) const { std::free(numbers); }
};
using Numbers = std::unique_ptr<float, Free>;

// In huge pages where there are any, as the memory of a compiled program.
Numbers filled(int64_t elements) {
  constexpr size_t kHugePage = size_t{1} << 21;
  size_t bytes = (static_cast<size_t>(elements) * sizeof(float) + kHugePage - 1) / kHugePage * kHugePage;
  size_t count = bytes / sizeof(float);
  Numbers numbers(static_cast<float *>(std::aligned_alloc(kHugePage, bytes)));
  madvise(numbers.get(), bytes, MADV_HUGEPAGE);
  for (size_t i = 0; i < count; ++i)
    numbers.get()[i] = static_cast<float>(static_cast<int>(i * 2654435761U >> 8) % 17 - 8) / 64;
  return numbers;
}

void measure(const Case &test, const Target &target) {
  double start = seconds();
  Compiled compiled(test.contraction, target);
  double compiled_in = seconds() - start;
  Numbers a = filled(stored_elements(test.contraction.operands[0], test.batch));
  Numbers b = filled(stored_elements(test.contraction.operands[1], test.batch));
  Numbers result = filled(stored_elements(test.contraction.result, test.batch));
  Numbers bias = filled(1 << 16);
  // Each run is set against the peak just before it; the median of these shares is hardly moved by what else the
  // machine does.
  // Short runs are timed several at once: asking for the time takes a while.
  constexpr double kLeastSeconds = 30e-6;
  std::array<double, 5> first_runs;
  for (double &run : first_runs) {
    double begin = seconds();
    compiled.run(a.get(), b.get(), bias.get(), result.get(), test.batch);
    run = seconds() - begin;
  }
  std::ranges::sort(first_runs);
  int at_once = std::max(1, static_cast<int>(kLeastSeconds / first_runs[2]));
  double best = 1e9, until = seconds() + 0.5;
  std::vector<double> shares;
  for (int runs = 0; runs < 30 || seconds() < until; ++runs) {
    double peak = peak_operations(target.vector_floats) / peak_seconds(target.vector_floats);
    double begin = seconds();
    for (int i = 0; i < at_once; ++i) compiled.run(a.get(), b.get(), bias.get(), result.get(), test.batch);
    double taken = (seconds() - begin) / at_once;
    best = std::min(best, taken);
    shares.push_back(2 * test.multiply_adds / taken / peak);
  }
  std::nth_element(shares.begin(), shares.begin() + static_cast<std::ptrdiff_t>(shares.size() / 2), shares.end());
  fmt::print("{:<48} {:9.1f} us {:7.1f} GFLOP/s {:5.1f} %  compiled in {:4.0f} ms\n", test.name, best * 1e6,
             2 * test.multiply_adds / best / 1e9, 100 * shares[shares.size() / 2], compiled_in * 1e3);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char **argv) {
  std::string filter;
  bool print_ir = false;
  TargetOptions options{"", "native", false};
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--ir")
      print_ir = true;
    else if (argument == "--no-winograd")
      options.winograd = false;
    else if (i == 1)
      options.cpu = argument;
    else
      filter = argument;
  }
  auto target = make_target(options);
  if (!target) {
    fmt::print(stderr, "unknown cpu {}\n", options.cpu);
    return 2;
  }
  for (const Case &test : cases()) {
    if (test.name.find(filter) == std::string::npos) continue;
    if (print_ir)
      fmt::print("{}", Compiled(test.contraction, *target).ir());
    else
      measure(test, *target);
  }
}
