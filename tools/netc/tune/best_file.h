// best.net: the user's file with the values of a trial in place of those of its params. Everything else stays as it is
// written, comments too, but the paths of data and imports, which are made to fit the new folder.
#pragma once

#include <filesystem>

#include "tools/netc/tune/space.h"

namespace netc::tune {

// Writes `folder`/best.net and, where the file imports others, `folder`/best-NAME.net for each of them. Names without
// an entry in `values` keep the value they have. The result compiles to the program of the trial, from any folder that
// keeps its place relative to the data.
Result<void> write_best_file(const std::filesystem::path &file, const Values &values,
                             const std::filesystem::path &folder);

}  // namespace netc::tune
