// bench: how long a function takes, kernel by kernel, beside what the machine can do.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>

#include "runtime/cli/commands.h"
#include "runtime/cli/session.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Arguments of a function filled with made-up numbers: floats in [0, 1), class 0 for integers. Every byte is written,
// so no two pages are the same page of zeros.
class MadeUpInputs {
 public:
  MadeUpInputs(const Function &function, int64_t batch) {
    uint32_t state = 1;
    for (const Port &port : function.inputs) {
      storage_.emplace_back(static_cast<size_t>(port.bytes(batch) + 63));
      auto *bytes = storage_.back().data();
      std::memset(bytes, 0, storage_.back().size());
      if (port.dtype == "f32") {
        auto *numbers = reinterpret_cast<float *>(bytes);
        for (int64_t i = 0; i < port.bytes(batch) / 4; ++i) {
          state = state * 1664525 + 1013904223;
          numbers[i] = static_cast<float>(state >> 8) * 0x1p-24f;
        }
      }
    }
    for (auto &bytes : storage_) pointers_.push_back(bytes.data());
  }
  std::span<const void *const> pointers() const { return pointers_; }

 private:
  std::vector<std::vector<char>> storage_;
  std::vector<const void *> pointers_;
};

// Multiply-adds a second of one core, in one short run (about 2 ms). Machines drift, and neighbours share their cores:
// a peak counts only beside work measured in the same moment.
double peak_now(const nc_program_t &source) {
  constexpr int64_t kRounds = 200'000;
  nc_context context{};
  context.batch = 1;
  auto start = Clock::now();
  source.fma_peak(&context, kRounds, nullptr);
  return source.fma_peak_flops * kRounds / seconds_since(start);
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

struct Timing {
  int64_t nanoseconds = 0;
  int64_t calls = 0;
};

void print_kernels(const nc_program_t &source, const std::string &function,
                   const std::map<const nc_kernel_entry *, Timing> &timings, int64_t batch, int64_t steps, double peak,
                   int threads) {
  double total = 0;
  for (const auto &[kernel, timing] : timings) total += static_cast<double>(timing.nanoseconds);
  std::printf("%8s %6s %10s %6s  %5s  %s\n", "us", "share", "GFLOP/s", "peak", "line", "kernel");
  for (int64_t i = 0; i < source.kernel_count; ++i) {
    const nc_kernel_entry &entry = *source.kernels[i];
    auto found = timings.find(&entry);
    if (entry.function != function || found == timings.end()) continue;
    double seconds = static_cast<double>(found->second.nanoseconds) * 1e-9 / static_cast<double>(steps);
    double flops = entry.fixed_flops + entry.batch_flops * static_cast<double>(batch);
    std::printf("%8.1f %5.1f%% ", seconds * 1e6, 100 * static_cast<double>(found->second.nanoseconds) / total);
    if (flops > 0)
      std::printf("%10.1f %5.1f%%", flops / seconds * 1e-9, 100 * flops / seconds / peak / threads);
    else
      std::printf("%10s %6s", "", "");
    std::printf("  %5lld  %s\n", static_cast<long long>(entry.line), entry.name);
  }
}

// Answers "go N" until the input ends.
OrFailure<int> serve(const std::function<OrFailure<double>(int64_t)> &seconds_of_step) {
  std::printf("ready netc\n");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    long long count = 0;
    if (std::sscanf(line.c_str(), "go %lld", &count) != 1 || count < 1)
      return failure({"expected a line 'go N', got '" + line + "'", ""}, kUsage);
    auto seconds = seconds_of_step(count);
    if (!seconds) return tl::unexpected(seconds.error());
    std::printf("%.9f\n", *seconds);
    std::fflush(stdout);
  }
  return kDone;
}

OrFailure<int> bench(Session &session, const Arguments &arguments) {
  auto batch_option = arguments.integer("--batch", 1);
  auto steps_option = arguments.integer("--steps", 1);
  if (!batch_option) return failure(batch_option.error(), kUsage);
  if (!steps_option) return failure(steps_option.error(), kUsage);
  std::string name = arguments.has("--function") ? arguments.text("--function") : "train_step";
  Program &program = session.program;
  const Function *function = program.function(name);
  if (!function || function->inputs.empty() || name == "gradcheck")
    return failure({"bench cannot call '" + name + "'", "--function takes train_step, evaluate or predict"}, kUsage);
  auto settings = resolve_settings(program, {});
  if (!settings) return failure(settings.error(), kUsage);
  settings->apply(program);
  if (auto done = initialise(program); !done) return tl::unexpected(done.error());
  int64_t batch = batch_option->value_or(settings->batch_size.value);
  int64_t steps = steps_option->value_or(20);
  MadeUpInputs inputs(*function, batch);
  Results results(*function, batch);
  auto seconds_of_step = [&](int64_t count) -> OrFailure<double> {
    auto start = Clock::now();
    for (int64_t i = 0; i < count; ++i)
      if (auto called = program.call(*function, inputs.pointers(), results.pointers(), batch); !called)
        return failure(called.error(), kFailed);
    return seconds_since(start) / static_cast<double>(count);
  };
  if (auto warm = seconds_of_step(3); !warm) return tl::unexpected(warm.error());
  if (arguments.has("--serve")) return serve(seconds_of_step);

  auto plain = seconds_of_step(steps);
  if (!plain) return tl::unexpected(plain.error());
  std::map<const nc_kernel_entry *, Timing> timings;
  std::vector<double> peaks;
  for (int64_t step = 0; step < steps; ++step) {
    session.pool->observe([&](const nc_kernel_entry &kernel, int64_t nanoseconds) {
      timings[&kernel].nanoseconds += nanoseconds;
      ++timings[&kernel].calls;
    });
    auto observed = seconds_of_step(1);
    session.pool->observe(nullptr);
    if (!observed) return tl::unexpected(observed.error());
    peaks.push_back(peak_now(program.source()));
  }
  double peak = median(peaks);
  std::printf(
      "%s, batch %lld, %d thread(s): %.3f ms a call, %.0f samples/s; multiply-add peak of a core %.1f GFLOP/s\n\n",
      name.c_str(), static_cast<long long>(batch), program.threads(), *plain * 1e3, static_cast<double>(batch) / *plain,
      peak * 1e-9);
  print_kernels(program.source(), name, timings, batch, steps, peak, program.threads());
  return kDone;
}

}  // namespace

int bench_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = bench(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace netc::runtime
