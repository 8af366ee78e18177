#include "runtime/cli/bench_report.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>

namespace netc::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kRounds = 50'000;               // of multiply-adds, a chunk
constexpr size_t kCopied = size_t{32} << 20;      // bytes
constexpr size_t kCopyChunk = size_t{256} << 10;  // bytes
constexpr int64_t kAlwaysParallel = INT64_MAX;

void multiply_add(const nc_context *context, int64_t, const int64_t *) {
  static_cast<const nc_program_t *>(context->inputs[0])->fma_peak(context, kRounds, nullptr);
}

void copy(const nc_context *context, int64_t chunk, const int64_t *) {
  size_t offset = static_cast<size_t>(chunk) * kCopyChunk;
  std::memcpy(static_cast<char *>(context->outputs[0]) + offset, static_cast<const char *>(context->inputs[0]) + offset,
              kCopyChunk);
}

double seconds_of(ThreadPool &pool, nc_kernel kernel, const void *input, void *output, int64_t chunks) {
  const void *inputs[] = {input};
  void *outputs[] = {output};
  nc_context context{};
  context.batch = 1;
  context.inputs = inputs;
  context.outputs = outputs;
  context.runtime = &pool;
  nc_kernel_entry entry{};
  entry.kernel = kernel;
  auto start = Clock::now();
  nc_parallel_for(&context, &entry, chunks, kAlwaysParallel);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Line {
  std::string name;
  int64_t source_line = 0;
  double seconds = 0, flops = 0, bytes = 0;
};

// Less than this share of every limit: what is spent is neither arithmetic nor memory but the way there.
constexpr double kUnbound = 0.15;
// What takes less is not set against limits: the clock itself counts.
constexpr double kShort = 1e-6;

void print_line(Line line, double total, const Limits &limits) {
  if (line.seconds < kShort) line.flops = line.bytes = 0;
  line.seconds = std::max(line.seconds, 1e-9);
  double flops = line.flops / line.seconds / limits.flops, bytes = line.bytes / line.seconds / limits.bytes;
  const char *bound = std::max(flops, bytes) < kUnbound ? "" : flops >= bytes ? "compute" : "memory";
  std::printf("%9.1f %6.1f %%", line.seconds * 1e6, 100 * line.seconds / total);
  if (line.flops > 0)
    std::printf(" %9.1f %6.1f %%", line.flops / line.seconds * 1e-9, 100 * flops);
  else
    std::printf(" %9s %8s", "", "");
  if (line.bytes > 0)
    std::printf(" %8.1f %6.1f %%", line.bytes / line.seconds * 1e-9, 100 * bytes);
  else
    std::printf(" %8s %8s", "", "");
  std::printf("  %-8s %5lld  %s\n", bound, static_cast<long long>(line.source_line), line.name.c_str());
}

}  // namespace

LimitsMeter::LimitsMeter(const nc_program_t &program, ThreadPool &pool)
    : program_(program), pool_(pool), from_(kCopied, 1), to_(kCopied, 2) {}

void LimitsMeter::measure() {
  int64_t peaks = 4 * pool_.threads(), copies = kCopied / kCopyChunk;
  double seconds = seconds_of(pool_, multiply_add, &program_, nullptr, peaks);
  flops_.push_back(program_.fma_peak_flops * static_cast<double>(kRounds * peaks) / seconds);
  bytes_.push_back(2 * static_cast<double>(kCopied) / seconds_of(pool_, copy, from_.data(), to_.data(), copies));
}

Limits LimitsMeter::limits() const { return {median(flops_), median(bytes_)}; }

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

std::string time_text(double seconds) {
  struct Unit {
    double seconds;
    const char *name;
  };
  Unit unit = seconds < 1e-6   ? Unit{1e-9, "ns"}
              : seconds < 1e-3 ? Unit{1e-6, "us"}
              : seconds < 1    ? Unit{1e-3, "ms"}
                               : Unit{1, "s"};
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %s", seconds / unit.seconds, unit.name);
  return text;
}

std::string step_name(const nc_kernel_entry &kernel) {
  return *kernel.step ? std::string(kernel.step) + " " + kernel.direction : kernel.direction;
}

void print_times(const nc_program_t &program, const std::string &function, const Trace &trace, int64_t calls,
                 const Limits &limits, bool each_kernel) {
  struct Times {
    std::vector<double> seconds;  // of each block of samples of each call
    double batch = 0;             // all of them
  };
  std::map<const nc_kernel_entry *, Times> times;
  for (const Trace::Span &span : trace.kernels) {
    times[span.kernel].seconds.push_back(static_cast<double>(span.end - span.begin) * 1e-9);
    times[span.kernel].batch += static_cast<double>(span.batch);
  }
  std::vector<Line> lines;
  double total = 0;
  for (int64_t i = 0; i < program.kernel_count; ++i) {
    const nc_kernel_entry &kernel = *program.kernels[i];
    auto time = times.find(&kernel);
    if (kernel.function != function || time == times.end()) continue;
    std::string name = step_name(kernel);
    if (each_kernel) name += std::string(": ") + kernel.ops;
    auto line = std::ranges::find(lines, name, &Line::name);
    if (each_kernel || line == lines.end()) line = lines.insert(lines.end(), {name, kernel.line});
    double blocks = static_cast<double>(time->second.seconds.size()) / static_cast<double>(calls);
    double batch = time->second.batch / static_cast<double>(calls);
    double seconds = median(time->second.seconds) * blocks;
    line->seconds += seconds;
    line->flops += kernel.fixed_flops * blocks + kernel.batch_flops * batch;
    line->bytes += kernel.fixed_bytes * blocks + kernel.batch_bytes * batch;
    total += seconds;
  }
  std::printf("%9s %8s %9s %8s %8s %8s  %-8s %5s  %s\n", "us", "share", "GFLOP/s", "of peak", "GB/s", "of copy",
              "bound by", "line", each_kernel ? "kernel" : "step");
  for (const Line &line : lines) print_line(line, total, limits);
}

}  // namespace netc::runtime
