#include "tools/netc/data.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "tools/netc/build.h"

namespace netc {

int data_command(int argc, char **argv) {
  CLI::App app{"netc data: shows what the data of a .net file is like: statistics, balance, duplicates, leaks, samples",
               argv[0]};
  BuildRequest request;
  std::vector<std::string> defines, settings;
  std::string data, seed, page;
  bool json = false;
  app.add_option("file", request.file, "the .net file")->required();
  app.add_option("-D,--define", defines, "set a param when compiling: -D width=64")->allow_extra_args(false);
  app.add_option("--set", settings, "set a param when running: --set lr=1e-3")->allow_extra_args(false);
  app.add_option("--data", data, "the folder that paths of data start from");
  app.add_option("--seed", seed, "the seed of all random numbers");
  app.add_option("--page", page, "where the page with pictures goes (default: data.html)");
  app.add_flag("--json", json, "write JSON to the standard output, and no page");
  app.add_option("--target-cpu", request.target.cpu, "the CPU the code is for, as of netc");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const std::string &define : defines) {
    size_t equals = define.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "netc data: error: -D takes name=value, got '{}'\n", define);
      return 2;
    }
    request.defines[define.substr(0, equals)] = define.substr(equals + 1);
  }
  request.modules = {"nc_module_data_command"};
  auto program = build_program(request);
  if (!program) return program.error();
  std::vector<std::string> arguments = {"data"};
  for (const std::string &setting : settings) arguments.insert(arguments.end(), {"--set", setting});
  for (const auto &[name, value] : {std::pair("--data", data), {"--seed", seed}, {"--page", page}})
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  if (json) arguments.push_back("--json");
  return run_program(*program, arguments);
}

}  // namespace netc
