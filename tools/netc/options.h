// The command line of netc.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "codegen/codegen.h"
#include "frontend/frontend.h"
#include "passes/passes.h"

namespace netc {

enum class Stage { tokens, ast, elaborated, graph, planned, llvm, assembly, object, executable };

struct Options {
  std::filesystem::path input;
  std::filesystem::path output;  // empty: standard output for text, the input's stem for objects and executables
  Stage stage = Stage::executable;
  std::string function;  // graph stages: print this function alone
  FrontendOptions frontend;
  PassOptions passes;
  TargetOptions target;
  std::vector<std::string> modules;  // of the runtime that are linked in besides those the file needs
  bool json_errors = false;
  bool warnings = true;
  bool time_phases = false;
  bool memory_report = false;
  bool list_layers = false;
  bool list_passes = false;
};

// Parses the command line. Returns the exit code when the program is to end at once (--help, --version, a usage error:
// 2), -1 to go on.
int parse_options(int argc, char **argv, Options &options);

}  // namespace netc
