#include "tools/netc/options.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>

#include "tools/netc/program_call.h"
#include "tools/netc/subcommand.h"

namespace netc {
namespace {

const std::map<std::string, Stage> &stages() {
  static const std::map<std::string, Stage> table = {
      {"tokens", Stage::tokens}, {"ast", Stage::ast},         {"elaborated", Stage::elaborated},
      {"graph", Stage::graph},   {"planned", Stage::planned}, {"llvm", Stage::llvm},
      {"asm", Stage::assembly},  {"obj", Stage::object},      {"exe", Stage::executable}};
  return table;
}

}  // namespace

int parse_options(int argc, char **argv, Options &options) {
  CLI::App app{"netc: compiles a neural network described in a .net file to a native program"};
  app.footer(subcommand_help());
  app.set_version_flag("--version", "netc 0.1.0");
  std::vector<std::string> defines, disabled, print_after;
  std::string stage = "exe", error_format = "text";
  app.add_option("file", options.input, "the .net file");
  app.add_option("-o,--output", options.output, "where the result goes");
  app.add_option("-D,--define", defines, "set a param: -D width=64")->allow_extra_args(false);
  app.add_option("--emit", stage, "what to make: tokens, ast, elaborated, graph, planned, llvm, asm, obj, exe")
      ->check(CLI::IsMember({"tokens", "ast", "elaborated", "graph", "planned", "llvm", "asm", "obj", "exe"}));
  app.add_option("--function", options.function, "print this function of the graph alone: predict, train_step, ...");
  app.add_option(
      "--target-cpu", options.target.cpu,
      "the CPU the code is for: x86-64-v2, x86-64-v3, x86-64-v4, native (this one), or another that LLVM "
      "knows (default: the highest of these levels that this machine has; generic for another architecture)");
  app.add_option("--target", options.target.triple,
                 "the target triple: x86_64-linux-gnu (default: the host), aarch64-linux-gnu");
  app.add_flag("!--no-debug-info", options.target.debug_info, "leave out the line numbers of the .net file");
  app.add_flag("!--no-winograd", options.target.winograd,
               "sum 3x3 convolutions directly, without Winograd's algorithm: slower, with smaller rounding errors");
  app.add_option("--disable-pass", disabled, "skip these passes")->delimiter(',');
  app.add_option("--print-after", print_after, "print the graph after these passes, or after all")->delimiter(',');
  app.add_flag("--time-passes", options.passes.time_passes, "print how long each pass takes");
  app.add_flag("--verify-each", options.passes.verify_each, "check the graph after each pass");
  app.add_flag("--time", options.time_phases, "print how long each phase takes");
  app.add_flag("--memory", options.memory_report, "print peak workspace beside its lower bound");
  app.add_option("--error-format", error_format, "text or json")->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--passes", options.list_passes, "list the passes in order, each with its reason");
  app.add_flag("--layers", options.list_layers, "print the reference of the standard library");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!read_defines(defines, options.frontend.defines)) return 2;
  auto check_pass = [](const std::string &name) {
    if (name == "all" || find_pass(name)) return true;
    std::vector<std::string> names;
    for (const Pass &pass : pipeline()) names.emplace_back(pass.name);
    std::string near = nearest_name(name, names);
    fmt::print(stderr, "netc: error: there is no pass named \"{}\"\nhelp: {}\n", name,
               near.empty() ? "netc --passes lists them" : "did you mean " + near + "?");
    return false;
  };
  for (const std::string &name : disabled) {
    if (!check_pass(name)) return 2;
    if (const Pass *pass = find_pass(name); pass && pass->required) {
      fmt::print(stderr, "netc: error: the pass {} cannot be disabled: no code can be generated without it\n", name);
      return 2;
    }
    options.passes.disabled.insert(name);
  }
  for (const std::string &name : print_after) {
    if (!check_pass(name)) return 2;
    options.passes.print_after.insert(name);
  }
  options.stage = stages().at(stage);
  options.json_errors = error_format == "json";
  if (options.input.empty() && !options.list_layers && !options.list_passes) {
    fmt::print(stderr,
               "netc: error: no .net file given\nhelp: netc model.net -o model; netc --help lists the options\n");
    return 2;
  }
  return -1;
}

}  // namespace netc
