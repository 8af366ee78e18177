// DWARF for generated code: each kernel is a function of the user's `.net` file, each instruction a line of it.
#pragma once

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/DebugLoc.h>

#include <map>
#include <memory>
#include <string>

#include "ir/graph.h"

namespace netc {

class DebugInfo {
 public:
  // Without `enabled`, or for ops without a place, everything here does nothing.
  DebugInfo(llvm::Module &module, bool enabled);
  void start_function(llvm::Function &function, const std::string &name, const Location &location);
  // Null where the function has no debug information.
  llvm::DebugLoc location(llvm::Function &function, const Location &location);
  void finish();

 private:
  llvm::DIFile *file(const std::string &path);
  llvm::Module &module_;
  bool enabled_;
  std::unique_ptr<llvm::DIBuilder> builder_;
  llvm::DICompileUnit *unit_ = nullptr;
  std::map<std::string, llvm::DIFile *> files_;
};

}  // namespace netc
