#include "tools/netc/program_call.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace netc {

bool read_defines(const std::vector<std::string> &texts, std::map<std::string, std::string> &defines) {
  for (const std::string &text : texts) {
    auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      fmt::print(stderr, "netc: error: -D takes name=value, got \"{}\"\nhelp: -D width=64\n", text);
      return false;
    }
    defines[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return true;
}

ProgramCall::ProgramCall(CLI::App &app, std::string command) : app_(app), command_(std::move(command)) {
  app_.add_option("file", request_.file, "the .net file")->required();
  app_.add_option("-D,--define", defines_, "set a param when compiling: -D width=64")->allow_extra_args(false);
  app_.add_option("--set", settings_, "set a param when running: --set lr=1e-3")->allow_extra_args(false);
  add_option("--data", "the folder that paths of data start from");
  add_option("--seed", "the seed of all random numbers");
  app_.add_option("--target-cpu", request_.target.cpu, "the CPU the code is for, as of netc");
}

void ProgramCall::add_option(const std::string &name, const std::string &help) {
  app_.add_option(name, options_[name], help);
}

void ProgramCall::add_flag(const std::string &name, const std::string &help) {
  app_.add_flag(name, flags_[name], help);
}

int ProgramCall::run(int argc, char **argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app_.exit(error) == 0 ? 0 : 2;
  }
  if (!read_defines(defines_, request_.defines)) return 2;
  auto program = build_program(request_);
  if (!program) return program.error();
  std::vector<std::string> arguments = {command_};
  for (const std::string &setting : settings_) arguments.insert(arguments.end(), {"--set", setting});
  for (const auto &[name, value] : options_)
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  for (const auto &[name, given] : flags_)
    if (given) arguments.push_back(name);
  return run_program(*program, arguments);
}

}  // namespace netc
