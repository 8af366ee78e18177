// The subcommands of netc: `netc NAME ...`. What is no subcommand is a `.net` file to compile.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace netc {

struct Subcommand {
  const char *name;
  const char *summary;                // a line for `netc --help`
  int (*run)(int argc, char **argv);  // argv[0] is "netc NAME"; returns the exit code
};

// In the order of their names.
std::span<const Subcommand> subcommands();

// "netc tune    searches ..." a line each, for `netc --help`; "" when there are none.
std::string subcommand_help();

// Runs the subcommand that argv[1] names, or complains (2) when it can be neither one nor a file: a word without an
// ending that is no file. Nothing: the command line is that of the compiler.
std::optional<int> run_subcommand(int argc, char **argv);

}  // namespace netc
