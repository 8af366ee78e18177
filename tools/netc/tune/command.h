// netc tune: searches the params of a `.net` file.
#pragma once

namespace netc::tune {

// Exit codes: 0 done, 1 the system failed, 2 usage, 3 the data, 4 every trial failed, 130 and 143 interrupted and
// saved.
int tune_command(int argc, char **argv);

}  // namespace netc::tune
