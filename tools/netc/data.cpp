#include "tools/netc/data.h"

#include <CLI/CLI.hpp>

#include "tools/netc/program_call.h"

namespace netc {

int data_command(int argc, char **argv) {
  CLI::App app{"netc data: shows what the data of a .net file is like: statistics, balance, duplicates, leaks, samples",
               argv[0]};
  ProgramCall call(app, "data");
  call.add_module("nc_module_data_command");
  call.add_option("--page", "where the page with pictures goes (default: data.html)");
  call.add_flag("--json", "write JSON to the standard output, and no page");
  return call.run(argc, argv);
}

}  // namespace netc
