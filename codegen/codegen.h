// From the planned graph to machine code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "support/result.h"

namespace netc {

struct TargetOptions {
  std::string triple;      // empty: the host's
  std::string cpu;         // a name of LLVM's or "native"; empty: default_cpu (codegen/target.h)
  bool debug_info = true;  // DWARF lines of the `.net` file
  bool winograd = true;    // 3 x 3 convolutions by Winograd's algorithm where that is faster
  std::string features;    // beyond the cpu's, as LLVM writes them: "+amx-tile,+amx-bf16"; not with "native"
};

struct Metadata {
  std::string json;                          // embedded as it is
  std::vector<std::string> scalars;          // runtime values in slot order (collect_runtime_values)
  std::vector<std::string> runtime_modules;  // optional parts of the runtime to link in: symbols to reference
};

// The names of the runtime values the functions read, in slot order.
std::vector<std::string> collect_runtime_values(const Module &module);

enum class Emit { llvm_ir, assembly, object };
// Lowers every function of a planned module; the result is text or an object file that defines `nc_program`
// (runtime/abi.h).
Result<std::string> generate(const Module &module, const Metadata &metadata, const TargetOptions &target, Emit what);

// Links an object with the runtime library into an executable at `output` (written to a temporary name and renamed).
// No shell is involved. Fails for another architecture than this machine's, which the runtime library is not for.
Result<void> link_executable(const std::filesystem::path &object, const std::filesystem::path &runtime_library,
                             const std::vector<std::string> &libraries, const std::filesystem::path &output,
                             const TargetOptions &target);

}  // namespace netc
