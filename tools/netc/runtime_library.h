// The library that every compiled program is linked with.
#pragma once

#include <filesystem>

#include "support/result.h"

namespace netc {

// libnetc_runtime.a stands beside the build's or the installation's netc.
Result<std::filesystem::path> find_runtime_library();

}  // namespace netc
