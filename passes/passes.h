// Graph to graph. `pipeline()` is the list of passes in order, each with its reason; `run_pipeline` is the one place
// that runs, times, prints, verifies and skips them.
#pragma once

#include <functional>
#include <iosfwd>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace netc {

struct Pass {
  std::string_view name;    // "fuse": what --disable-pass and netc-opt --pass take
  std::string_view reason;  // one sentence: why it stands here
  void (*run)(Module &);
  bool required = false;  // without it codegen cannot go on: may not be disabled
};
const std::vector<Pass> &pipeline();
const Pass *find_pass(std::string_view name);
// Passes before this one optimise the graph; from it on they decide how values are stored.
inline constexpr std::string_view kFirstPlanningPass = "halos";

struct PassOptions {
  std::set<std::string, std::less<>> disabled;
  std::set<std::string, std::less<>> print_after;  // "all" prints after each
  std::string stop_before;                         // run the passes before this one only; empty: all
  bool time_passes = false;
  bool verify_each = false;
  std::ostream *output = nullptr;  // where prints and times go
};

// Runs one pass with the printing, timing and verifying that `options` ask for. Fails only by an internal error
// (verify_each found one): the message names the pass.
Result<void> run_pass(const Pass &pass, Module &module, const PassOptions &options);
Result<void> run_pipeline(Module &module, const PassOptions &options);

// The independent checker of the memory plan: no two values live at the same time overlap for any batch >= 1, every
// value is inside the workspace. Returns the problems in words.
std::vector<std::string> check_memory_plan(const Module &module);
struct MemoryReport {
  std::string function;
  int64_t fixed_bytes, batch_bytes;              // peak workspace: fixed + batch * B
  int64_t lower_bound_fixed, lower_bound_batch;  // the largest sums of live values
};
std::vector<MemoryReport> memory_report(const Module &module);

}  // namespace netc
