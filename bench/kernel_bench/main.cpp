// Times netc's kernels, those of oneDNN and OpenBLAS where they were found, and the limit of the machine, in turns.
// `bench/kernels` calls it for one case at a time and makes a table.
//
//     bench_kernels [--target-cpu=CPU] [--ir] [Google Benchmark's options]
//
// --benchmark_filter='^gemm' chooses cases; --ir prints the LLVM IR of the chosen contractions instead.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <optional>
#include <regex>
#include <span>

#include "bench/kernel_bench/contestant.h"

using namespace netc;
using namespace netc::kernel_bench;

namespace {

// Made when it is first needed: most runs choose one case.
using Make = std::function<Run(double &amount)>;

void register_contestant(const Case &test, const std::string &name, const Make &make) {
  struct Made {
    Run run;
    double amount;
  };
  auto made = std::make_shared<std::optional<Made>>();
  benchmark::RegisterBenchmark((test.name + "/" + name).c_str(), [=](benchmark::State &state) {
    if (!*made) {
      Made first{{}, test.amount};
      first.run = make(first.amount);
      *made = std::move(first);
    }
    if (!(*made)->run) {
      state.SkipWithError("not for this case");
      return;
    }
    for (auto _ : state) (*made)->run();
    state.counters["amount"] = (*made)->amount;
    state.SetLabel(test.kind);
  });
}

void register_case(const Case &test, const TargetOptions &options, const Target &target) {
  register_contestant(test, "limit", [=](double &amount) { return limit(test, target, amount); });
  register_contestant(test, "netc", [=](double &) {
    const auto *sweep = std::get_if<Sweep>(&test.work);
    return sweep != nullptr ? netc_sweep(*sweep, options) : netc_contraction(test, options);
  });
#ifdef NETC_HAVE_ONEDNN
  for (int variant = 0; variant < kOnednnVariants; ++variant)
    register_contestant(test, fmt::format("oneDNN {}", variant), [=](double &) { return onednn(test, variant); });
#endif
#ifdef NETC_HAVE_OPENBLAS
  register_contestant(test, "OpenBLAS", [=](double &) { return openblas(test); });
#endif
}

}  // namespace

int main(int argc, char **argv) {
  TargetOptions options{"", "native", false};
  bool print_ir = false;
  std::string filter;
  std::vector<char *> others;
  for (char *argument : std::span(argv, static_cast<size_t>(argc))) {
    std::string_view text = argument;
    auto value = [&](std::string_view option) { return text.substr(option.size()); };
    if (text.starts_with("--target-cpu="))
      options.cpu = value("--target-cpu=");
    else if (text == "--ir")
      print_ir = true;
    else
      others.push_back(argument);
    if (text.starts_with("--benchmark_filter=")) filter = value("--benchmark_filter=");
  }
  auto target = make_target(options);
  if (!target) {
    fmt::print(stderr, "{}\n", target.error().message);
    return 2;
  }
  if (print_ir) {
    for (const Case &test : all_cases())
      if (!std::holds_alternative<Sweep>(test.work) && std::regex_search(test.name + "/netc", std::regex(filter)))
        fmt::print("{}", contraction_ir(test, options));
    return 0;
  }
  int count = static_cast<int>(others.size());
  benchmark::Initialize(&count, others.data());
  if (benchmark::ReportUnrecognizedArguments(count, others.data())) return 2;
  for (const Case &test : all_cases()) register_case(test, options, *target);
  benchmark::RunSpecifiedBenchmarks();
}
