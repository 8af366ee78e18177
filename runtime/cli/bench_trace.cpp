#include "runtime/cli/bench_trace.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/cli/bench_report.h"

namespace netc::runtime {
namespace {

using Json = nlohmann::json;

Json track_name(size_t track, const std::string &name) {
  return {{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", track}, {"args", {{"name", name}}}};
}

Json event(const Trace::Span &span, int64_t start, size_t track) {
  const nc_kernel_entry &kernel = *span.kernel;
  Json details = {{"ops", kernel.ops}, {"line", kernel.line}};
  auto duration = static_cast<double>(span.end - span.begin);
  double flops = kernel.fixed_flops + kernel.batch_flops * static_cast<double>(span.batch);
  double bytes = kernel.fixed_bytes + kernel.batch_bytes * static_cast<double>(span.batch);
  if (track == 0 && flops > 0) details["GFLOP/s"] = flops / duration;
  if (track == 0 && bytes > 0) details["GB/s"] = bytes / duration;
  return {{"name", step_name(kernel)},
          {"ph", "X"},
          {"pid", 1},
          {"tid", track},
          {"ts", static_cast<double>(span.begin - start) * 1e-3},
          {"dur", duration * 1e-3},
          {"args", details}};
}

}  // namespace

std::string trace_json(const Trace &trace) {
  Json events = {track_name(0, "kernels")};
  int64_t start = trace.kernels.empty() ? 0 : trace.kernels.front().begin;
  for (const Trace::Span &span : trace.kernels) events.push_back(event(span, start, 0));
  for (size_t thread = 0; thread < trace.chunks.size(); ++thread) {
    events.push_back(track_name(thread + 1, "thread " + std::to_string(thread)));
    for (const Trace::Span &span : trace.chunks[thread]) events.push_back(event(span, start, thread + 1));
  }
  return Json{{"traceEvents", std::move(events)}, {"displayTimeUnit", "ns"}}.dump();
}

}  // namespace netc::runtime
