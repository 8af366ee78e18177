// Functions that do the same are kept once.
#pragma once

#include <llvm/Transforms/Utils/FunctionComparator.h>

#include <map>
#include <vector>

namespace netc {

class EqualFunctions {
 public:
  // The function seen before that does the same as `function`, which is then erased; or `function` itself. Only
  // functions that are finished and that nothing calls may be given. Where in the source they come from and what they
  // are called makes no difference.
  llvm::Function *unique(llvm::Function *function);

 private:
  llvm::GlobalNumberState globals_;
  std::multimap<uint64_t, llvm::Function *> seen_;  // by their hash
};

}  // namespace netc
