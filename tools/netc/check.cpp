#include "tools/netc/check.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "tools/netc/build.h"

namespace netc {

int check_command(int argc, char **argv) {
  CLI::App app{"netc check: compiles a .net file and runs the checks of its section check", argv[0]};
  BuildRequest request;
  std::vector<std::string> defines, settings;
  std::string data, seed, threads;
  app.add_option("file", request.file, "the .net file")->required();
  app.add_option("-D,--define", defines, "set a param when compiling: -D width=64")->allow_extra_args(false);
  app.add_option("--set", settings, "set a param when running: --set lr=1e-3")->allow_extra_args(false);
  app.add_option("--data", data, "the folder that paths of data start from");
  app.add_option("--seed", seed, "the seed of all random numbers");
  app.add_option("--threads", threads, "threads (default: all cores)");
  app.add_option("--target-cpu", request.target.cpu, "the CPU the code is for, as of netc");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const std::string &define : defines) {
    size_t equals = define.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "netc check: error: -D takes name=value, got '{}'\n", define);
      return 2;
    }
    request.defines[define.substr(0, equals)] = define.substr(equals + 1);
  }
  auto program = build_program(request);
  if (!program) return program.error();
  std::vector<std::string> arguments = {"check"};
  for (const std::string &setting : settings) arguments.insert(arguments.end(), {"--set", setting});
  for (const auto &[name, value] : {std::pair("--data", data), {"--seed", seed}, {"--threads", threads}})
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  return run_program(*program, arguments);
}

}  // namespace netc
