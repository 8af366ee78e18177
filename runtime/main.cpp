// The entry of every compiled program.
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "runtime/cli/commands.h"
#include "runtime/cli/text.h"

int main(int argc, char **argv) {
  using namespace netc::runtime;
  std::string call = argc > 0 ? argv[0] : "model";
  int code = run_command_line(nc_program, call, {argv + (argc > 0), argv + argc});
  bool lost = std::ferror(stdout) != 0;
  if (std::fflush(stdout) != 0) lost = true;
  if (code != kDone || !lost) return code;
  return report_error(call, {"cannot write to the standard output", "what it was to tell is lost"}, kFailed);
}
