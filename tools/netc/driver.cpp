#include "tools/netc/driver.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "codegen/archive.h"
#include "codegen/codegen.h"
#include "codegen/target.h"
#include "ir/text.h"
#include "support/read_source.h"
#include "tools/netc/metadata.h"
#include "tools/netc/output.h"
#include "tools/netc/runtime_library.h"

namespace netc {
namespace {

namespace fs = std::filesystem;

// Prints how long each phase took, when asked for.
class PhaseClock {
 public:
  explicit PhaseClock(bool enabled) : enabled_(enabled) {}
  void lap(std::string_view phase) {
    auto now = Clock::now();
    if (enabled_) fmt::print(stderr, "{:>9.2f} ms  {}\n", milliseconds(now - last_), phase);
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double milliseconds(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }
  bool enabled_;
  Clock::time_point last_ = Clock::now();
};

int fail_with(const Error &error, int code) {
  fmt::print(stderr, "netc: error: {}\n", error.message);
  if (!error.help.empty()) fmt::print(stderr, "help: {}\n", error.help);
  return code;
}

void report(const Diagnostics &diagnostics, const SourceMap &sources, const Options &options) {
  if (diagnostics.all().empty() || (!options.warnings && !diagnostics.has_errors())) return;
  bool colour = isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::cerr << (options.json_errors ? render_json(diagnostics, sources) : render_text(diagnostics, sources, colour));
}

int emit_text(const Options &options, std::string_view text) {
  fs::path output = output_of(options);
  if (output.empty()) {
    std::cout << text;
    return std::cout.flush() ? 0 : fail_with({"cannot write to standard output", ""}, 2);
  }
  auto written = write_output(output, text);
  return written ? 0 : fail_with(written.error(), 2);
}

int emit_graph(const Options &options, const Module &module) {
  if (options.function.empty()) return emit_text(options, print(module));
  const Function *function = module.find_function(options.function);
  if (!function) {
    std::string names;
    for (const Function &f : module.functions) names += (names.empty() ? "" : ", ") + f.name;
    return fail_with({"the graph has no function " + options.function, "it has " + names}, 2);
  }
  return emit_text(options, print(*function));
}

// Reads one file without its imports, for the stages before elaboration.
int emit_syntax(const Options &options) {
  auto text = read_source(options.input);
  if (!text) return fail_with(text.error(), 2);
  SourceMap sources;
  Diagnostics diagnostics;
  FileId file = sources.add(options.input.string(), std::move(*text));
  if (auto sound = check_output(options, sources); !sound) return fail_with(sound.error(), 2);
  if (options.stage == Stage::tokens) return emit_text(options, dump_tokens(sources, file));
  auto tree = parse_file(sources, file, diagnostics);
  report(diagnostics, sources, options);
  return tree ? emit_text(options, dump_ast(*tree)) : 1;
}

void print_memory(const Module &planned) {
  for (const MemoryReport &m : memory_report(planned))
    fmt::print(stderr, "{:<12} workspace {:>10} + {:>8} * batch bytes, lower bound {:>10} + {:>8} * batch\n",
               m.function, m.fixed_bytes, m.batch_bytes, m.lower_bound_fixed, m.lower_bound_batch);
}

// The libraries of the system that the runtime parts need.
std::vector<std::string> libraries_of(const std::vector<std::string> &modules) {
  std::vector<std::string> libraries = {"fmt", "z", "png", "pthread", "m"};
  if (std::find(modules.begin(), modules.end(), "nc_module_jpeg") != modules.end()) libraries.push_back("jpeg");
  return libraries;
}

int link(const Options &options, const std::string &object, const std::vector<std::string> &modules,
         PhaseClock &clock) {
  fs::path output = output_of(options);
  auto runtime = find_runtime_library();
  if (!runtime) return fail_with(runtime.error(), 2);
  fs::path object_path = output;
  object_path += ".o.tmp" + std::to_string(getpid());
  auto linked = write_in_place(object_path, object);
  if (linked) linked = link_executable(object_path, *runtime, libraries_of(modules), output, options.target);
  std::error_code code;
  fs::remove(object_path, code);
  clock.lap("link");
  return linked ? 0 : fail_with(linked.error(), 2);
}

}  // namespace

int run_driver(const Options &options) {
  PhaseClock clock(options.time_phases);
  if (options.stage == Stage::tokens || options.stage == Stage::ast) return emit_syntax(options);

  SourceMap sources;
  Diagnostics diagnostics;
  std::optional<Program> program = compile_file(options.input, options.frontend, sources, diagnostics);
  report(diagnostics, sources, options);
  if (!program) return 1;
  if (auto sound = check_output(options, sources); !sound) return fail_with(sound.error(), 2);
  clock.lap("frontend");
  if (options.stage == Stage::elaborated) return emit_graph(options, program->module);

  PassOptions passes = options.passes;
  passes.output = &std::cerr;
  if (options.stage == Stage::graph) passes.stop_before = kFirstPlanningPass;
  if (auto ran = run_pipeline(program->module, passes); !ran) return fail_with(ran.error(), 70);
  clock.lap("passes");
  if (options.memory_report) print_memory(program->module);
  if (options.stage == Stage::graph || options.stage == Stage::planned) return emit_graph(options, program->module);

  complete_metadata(*program->metadata, program->module);
  Metadata metadata{program->metadata->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                    collect_runtime_values(program->module), needed_runtime_modules(*program->metadata)};
  metadata.runtime_modules.insert(metadata.runtime_modules.end(), options.modules.begin(), options.modules.end());
  Emit what = options.stage == Stage::llvm       ? Emit::llvm_ir
              : options.stage == Stage::assembly ? Emit::assembly
                                                 : Emit::object;
  TargetOptions target = options.target;
  if (program->module.precision == Precision::bf16 && target.cpu.empty() && target.triple.empty())
    target.features = host_bf16_features();
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  auto generated = options.stage == Stage::executable ? generate_archive(program->module, metadata, target, threads)
                                                      : generate(program->module, metadata, target, what);
  clock.lap("codegen");
  if (!generated) return fail_with(generated.error(), 2);
  if (options.stage == Stage::llvm || options.stage == Stage::assembly) return emit_text(options, *generated);
  if (options.stage == Stage::object) {
    auto written = write_output(output_of(options), *generated);
    return written ? 0 : fail_with(written.error(), 2);
  }
  return link(options, *generated, metadata.runtime_modules, clock);
}

}  // namespace netc
