// Compiling a module as several objects at the same time.
#pragma once

#include <string>
#include <vector>

#include "codegen/codegen.h"
#include "codegen/target.h"

namespace llvm {
class Module;
}

namespace netc {

// The objects of a well-formed module, to be linked together. `threads` threads (at least 1) share the work; the
// objects do not depend on how many. Local functions and constants of `module` become hidden ones.
Result<std::vector<std::string>> emit_in_parts(llvm::Module &module, const Target &target, unsigned threads);

}  // namespace netc
