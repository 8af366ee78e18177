#include "tools/netc/check.h"

#include <CLI/CLI.hpp>

#include "tools/netc/program_call.h"

namespace netc {

int check_command(int argc, char **argv) {
  CLI::App app{"netc check: compiles a .net file and runs the checks of its section check", argv[0]};
  ProgramCall call(app, "check");
  call.add_option("--threads", "threads (default: all cores)");
  return call.run(argc, argv);
}

}  // namespace netc
