// netc check FILE.net: compiles the file and runs the checks of its section `check` (docs/inspect.md).
#pragma once

namespace netc {

// Exit codes: those of the compiled program, 5 when a check failed; 1 when the file is wrong; 2 usage.
int check_command(int argc, char **argv);

}  // namespace netc
