// Reading a file of source text from the disk.
#pragma once

#include <filesystem>

#include "support/result.h"

namespace netc {

inline constexpr uintmax_t kMaxSourceBytes = 16 << 20;

// The bytes of a regular file of at most kMaxSourceBytes. Errors name the path and the reason; for a missing file, the
// help names the nearest .net file of its folder.
Result<std::string> read_source(const std::filesystem::path &path);

}  // namespace netc
