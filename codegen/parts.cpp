// The module is written once as bitcode; every part reads the bodies of its own functions from it and knows the others
// as declarations. The first part keeps the tables and constants.
#include "codegen/parts.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Bitcode/BitcodeWriter.h>
#include <llvm/IR/Module.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "codegen/emit.h"

namespace netc {

namespace {

// However many cores there are, so that the same file gives the same executable everywhere.
constexpr size_t kParts = 8;

struct Part {
  std::set<std::string> functions;
  size_t instructions = 0;
  bool has_tables = false;
};

// LLVM's machine for the target, one for each part: it is not to be shared between threads.
std::unique_ptr<llvm::TargetMachine> create_machine(const llvm::TargetMachine &like) {
  return std::unique_ptr<llvm::TargetMachine>(
      like.getTarget().createTargetMachine(like.getTargetTriple().str(), like.getTargetCPU(),
                                           like.getTargetFeatureString(), like.Options, like.getRelocationModel()));
}

// The functions, dealt to parts of about the same size.
std::vector<Part> divide(llvm::Module &module) {
  std::vector<llvm::Function *> functions;
  for (llvm::Function &function : module)
    if (!function.isDeclaration()) functions.push_back(&function);
  std::ranges::stable_sort(functions, std::greater(), &llvm::Function::getInstructionCount);
  std::vector<Part> parts(kParts);
  parts[0].has_tables = true;
  for (llvm::Function *function : functions) {
    Part &smallest = *std::ranges::min_element(parts, {}, &Part::instructions);
    smallest.functions.insert(function->getName().str());
    smallest.instructions += function->getInstructionCount();
  }
  std::erase_if(parts, [](const Part &part) { return part.functions.empty() && !part.has_tables; });
  return parts;
}

Result<std::string> compile(const llvm::SmallVectorImpl<char> &bitcode, const Part &part,
                            llvm::TargetMachine &machine) {
  llvm::LLVMContext context;
  llvm::MemoryBufferRef buffer(llvm::StringRef(bitcode.data(), bitcode.size()), "program");
  auto module = llvm::getLazyBitcodeModule(buffer, context, true);
  if (!module) return fail("internal error: " + llvm::toString(module.takeError()));
  for (llvm::Function &function : **module)
    if (!function.isDeclaration() && !part.functions.contains(function.getName().str())) function.deleteBody();
  if (llvm::Error error = (*module)->materializeAll())
    return fail("internal error: " + llvm::toString(std::move(error)));
  if (!part.has_tables)
    for (llvm::GlobalVariable &variable : (*module)->globals()) variable.setInitializer(nullptr);
  optimize(**module, machine);
  return emit(**module, machine, Emit::object);
}

}  // namespace

Result<std::vector<std::string>> emit_in_parts(llvm::Module &module, const Target &target, unsigned threads) {
  for (llvm::GlobalValue &value : module.global_values())
    if (value.hasLocalLinkage()) {
      value.setLinkage(llvm::GlobalValue::ExternalLinkage);
      value.setVisibility(llvm::GlobalValue::HiddenVisibility);
    }
  llvm::SmallVector<char, 0> bitcode;
  llvm::raw_svector_ostream stream(bitcode);
  llvm::WriteBitcodeToFile(module, stream);

  std::vector<Part> parts = divide(module);
  std::vector<Result<std::string>> made(parts.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t n = next++; n < parts.size(); n = next++)
      made[n] = compile(bitcode, parts[n], *create_machine(*target.machine));
  };
  {
    std::vector<std::jthread> others;
    for (unsigned thread = 1; thread < threads; ++thread) others.emplace_back(work);
    work();
  }
  std::vector<std::string> objects;
  for (Result<std::string> &object : made) {
    if (!object) return tl::unexpected(object.error());
    objects.push_back(std::move(*object));
  }
  return objects;
}

}  // namespace netc
