#include "codegen/equal_functions.h"

#include <llvm/IR/Function.h>
#include <llvm/IR/StructuralHash.h>

namespace netc {

llvm::Function *EqualFunctions::unique(llvm::Function *function) {
  uint64_t hash = llvm::StructuralHash(*function, true);
  auto [first, last] = seen_.equal_range(hash);
  for (auto other = first; other != last; ++other)
    if (llvm::FunctionComparator(function, other->second, &globals_).compare() == 0) {
      function->eraseFromParent();
      return other->second;
    }
  seen_.emplace(hash, function);
  return function;
}

}  // namespace netc
