// The entry of every compiled program.
#include "runtime/cli/commands.h"

int main(int argc, char **argv) {
  return netc::runtime::run_command_line(nc_program, argc > 0 ? argv[0] : "model", {argv + (argc > 0), argv + argc});
}
