// From a `.net` file to a running program in one call, for the subcommands that train or measure: compiled into a
// cache, then run as a process of its own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "codegen/codegen.h"
#include "support/result.h"

namespace netc {

// All that decides a program, besides netc itself.
struct BuildRequest {
  std::filesystem::path file;
  std::map<std::string, std::string> defines;  // values of params
  TargetOptions target;
  bool warnings = true;              // print those of the file when it is compiled
  std::vector<std::string> modules;  // of the runtime, besides those the file needs: "nc_module_data_command"
};

// A short text that is the same exactly when the program would be: a hash of the files' text with their imports, the
// absolute path (which is in the program), the defines, the machine the code is for, netc and its runtime library.
// Errors: a file cannot be read or parsed, as compile_file would report it; they are not printed.
Result<std::string> program_key(const BuildRequest &request);

// The executable, made by run_driver or taken from the cache (program_cache.h). Otherwise the exit code: what is wrong
// has been printed to standard error, as by `netc FILE`.
tl::expected<std::filesystem::path, int> build_program(const BuildRequest &request);

// Runs a program with standard input, output and error of its own and waits for it. Returns its exit status, 128 + the
// signal that killed it, or 1 after an error was printed. SIGINT and SIGTERM go to the program, which ends in its own
// way (a training saves its state); netc then passes on its status.
int run_program(const std::filesystem::path &program, const std::vector<std::string> &arguments);

}  // namespace netc
