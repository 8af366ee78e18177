#include "tools/netc/runtime_library.h"

namespace netc {

namespace fs = std::filesystem;

Result<fs::path> find_runtime_library() {
  std::error_code code;
  fs::path self = fs::read_symlink("/proc/self/exe", code);
  for (const char *place : {"../runtime/libnetc_runtime.a", "../lib/netc/libnetc_runtime.a"}) {
    fs::path candidate = (self.parent_path() / place).lexically_normal();
    if (fs::exists(candidate, code)) return candidate;
  }
  return fail("cannot find libnetc_runtime.a beside " + self.string(),
              "build the target netc_runtime, or install netc again");
}

}  // namespace netc
