#include "codegen/debug_info.h"

#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Module.h>

#include <filesystem>

namespace netc {

DebugInfo::DebugInfo(llvm::Module &module, bool enabled) : module_(module), enabled_(enabled) {}

llvm::DIFile *DebugInfo::file(const std::string &path) {
  if (builder_ == nullptr) {
    builder_ = std::make_unique<llvm::DIBuilder>(module_);
    module_.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
    module_.addModuleFlag(llvm::Module::Max, "Dwarf Version", 5);
  }
  llvm::DIFile *&entry = files_[path];
  if (entry == nullptr) {
    std::filesystem::path full(path);
    entry = builder_->createFile(full.filename().string(), full.parent_path().string());
    if (unit_ == nullptr)
      unit_ = builder_->createCompileUnit(llvm::dwarf::DW_LANG_C, entry, "netc", true, "", 0, "",
                                          llvm::DICompileUnit::LineTablesOnly);
  }
  return entry;
}

void DebugInfo::start_function(llvm::Function &function, const std::string &name, const Location &location) {
  if (!enabled_ || location.file == nullptr) return;
  llvm::DIFile *scope = file(*location.file);
  auto *type = builder_->createSubroutineType(builder_->getOrCreateTypeArray({}));
  function.setSubprogram(builder_->createFunction(
      scope, name, function.getName(), scope, location.line, type, location.line, llvm::DINode::FlagZero,
      llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagLocalToUnit |
          llvm::DISubprogram::SPFlagOptimized));
}

llvm::DebugLoc DebugInfo::location(llvm::Function &function, const Location &location) {
  llvm::DISubprogram *subprogram = function.getSubprogram();
  if (subprogram == nullptr) return {};
  if (location.file == nullptr)
    return llvm::DILocation::get(module_.getContext(), subprogram->getLine(), 0, subprogram);
  llvm::DIScope *scope = subprogram;
  if (llvm::DIFile *other = file(*location.file); other != subprogram->getFile())
    scope = builder_->createLexicalBlockFile(subprogram, other);
  return llvm::DILocation::get(module_.getContext(), location.line, location.column,
                               llvm::cast<llvm::DILocalScope>(scope));
}

void DebugInfo::finish() {
  if (builder_ != nullptr) builder_->finalize();
}

}  // namespace netc
