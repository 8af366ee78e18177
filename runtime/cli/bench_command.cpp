// bench: how long a function takes, kernel by kernel, beside what the machine can do.
#include <chrono>
#include <cstdio>
#include <iostream>

#include "runtime/cli/bench_report.h"
#include "runtime/cli/bench_trace.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/made_up.h"
#include "runtime/cli/session.h"
#include "runtime/io/file.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

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
  MadeUpInputs inputs(program, *function, batch);
  if (arguments.has("--record")) {
    auto recorded = record_calls(program, *function, inputs, batch, arguments.text("--record"));
    return recorded ? OrFailure<int>(kDone) : failure(recorded.error(), kFailed);
  }
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

  std::vector<double> calls;  // unrecorded ones, between the recorded
  Trace trace;
  LimitsMeter meter(program.source(), *session.pool);
  for (int64_t step = 0; step < steps; ++step) {
    auto plain = seconds_of_step(1);
    if (!plain) return tl::unexpected(plain.error());
    calls.push_back(*plain);
    session.pool->record(&trace);
    auto recorded = seconds_of_step(1);
    session.pool->record(nullptr);
    if (!recorded) return tl::unexpected(recorded.error());
    meter.measure();
  }
  Limits limits = meter.limits();
  double seconds = median(calls);
  std::printf("%s, batch %lld, %d %s: %s a call, %.0f samples/s\n", name.c_str(), static_cast<long long>(batch),
              program.threads(), program.threads() == 1 ? "thread" : "threads", time_text(seconds).c_str(),
              static_cast<double>(batch) / seconds);
  std::printf("limits in the same run: %.1f GFLOP/s of multiply-adds, %.1f GB/s copied\n\n", limits.flops * 1e-9,
              limits.bytes * 1e-9);
  print_times(program.source(), name, trace, steps, limits, arguments.has("--kernels"));
  if (!arguments.has("--trace")) return kDone;
  auto written = write_file_atomically(arguments.text("--trace"), trace_json(trace));
  if (!written) return failure(written.error(), kFailed);
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
