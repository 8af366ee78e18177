// The standard library of layers, losses, optimizers ...: the texts of frontend/std/*.net, embedded at build time.
#pragma once

#include <string_view>
#include <vector>

namespace netc {

struct StdFile {
  std::string_view name;  // "std/dense.net", as diagnostics show it
  std::string_view text;
};

// In the order of their names. The views are valid for the life of the program.
const std::vector<StdFile> &std_files();

}  // namespace netc
