// What the subcommands have in common that compile a file and run one command of its program: `netc check`, `netc
// data`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tools/netc/build.h"

namespace CLI {
class App;
}

namespace netc {

// Reads "name=value" of -D. False after the error was printed: there is no name or no "=".
bool read_defines(const std::vector<std::string> &texts, std::map<std::string, std::string> &defines);

class ProgramCall {
 public:
  // `command`: of the program. Adds the file and the options that every such subcommand has.
  ProgramCall(CLI::App &app, std::string command);
  // An option that is handed on to the program when it is given: add_option("--page", "where the page goes").
  void add_option(const std::string &name, const std::string &help);
  void add_flag(const std::string &name, const std::string &help);
  // Parts of the runtime besides those the file needs.
  void add_module(const std::string &name) { request_.modules.push_back(name); }
  // Parses the command line, compiles, runs. The exit code of the program, or of what went wrong, which was printed.
  int run(int argc, char **argv);

 private:
  CLI::App &app_;
  std::string command_;
  BuildRequest request_;
  std::vector<std::string> defines_, settings_;
  std::map<std::string, std::string> options_;
  std::map<std::string, bool> flags_;
};

}  // namespace netc
