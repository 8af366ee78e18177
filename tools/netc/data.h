// netc data FILE.net: shows what the data of the file is like (docs/data.md, "Looking at the data").
#pragma once

namespace netc {

// Exit codes: those of the compiled program, 3 when the data is wrong; 1 when the file is wrong; 2 usage.
int data_command(int argc, char **argv);

}  // namespace netc
