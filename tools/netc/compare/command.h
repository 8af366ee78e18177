// netc compare RUN RUN ...: a table of what differed in the terminal, and a page with the curves.
#pragma once

namespace netc::compare {

// Exit code: 0 done, 1 the page cannot be written, 2 usage or folders that cannot be compared.
int compare_command(int argc, char **argv);

}  // namespace netc::compare
