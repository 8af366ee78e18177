// The phases of one compilation, in order. Each step takes what the one before made.
#pragma once

#include "tools/netc/options.h"

namespace netc {

// Compiles options.input as far as options.stage says. Exit code: 0 done, 1 the file has errors, 2 usage or files.
int run_driver(const Options &options);

}  // namespace netc
