// From a finished LLVM module to text or an object file.
#pragma once

#include <string>

#include "codegen/codegen.h"

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace netc {

// Removes what nothing uses and cleans up every function. The module must be well formed.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

Result<std::string> emit(llvm::Module &module, llvm::TargetMachine &machine, Emit what);

}  // namespace netc
