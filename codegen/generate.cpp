// The entry of the phase: lowers every function, runs LLVM's passes, writes text or an object.
#include <fmt/format.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/PassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <algorithm>

#include "codegen/codegen.h"
#include "codegen/program_builder.h"
#include "ir/op.h"

namespace netc {

namespace {

// Kernels are emitted in their final shape; what is left is what a builder does not see: common addresses, dead values,
// loads that do not change in a loop.
void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::EarlyCSEPass(false));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), true));
  passes.addPass(llvm::EarlyCSEPass(true));
  passes.addPass(llvm::SimplifyCFGPass());
  llvm::ModulePassManager all;
  all.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
  all.run(module, modules);
}

}  // namespace

std::vector<std::string> collect_runtime_values(const Module &module) {
  std::vector<std::string> names;
  for (const Function &function : module.functions)
    for (const Op &op : function.ops) {
      if (op.def->name != "runtime_value") continue;
      const auto &name = op.get<std::string>("name");
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  return names;
}

Result<std::string> generate(const Module &module, const Metadata &metadata, const TargetOptions &options, Emit what) {
  Result<Target> target = make_target(options);
  if (!target) return tl::unexpected(target.error());
  std::shared_ptr<llvm::TargetMachine> machine = target->machine;
  ProgramBuilder program(module, metadata, *target, options.debug_info);
  for (const Function &function : module.functions)
    if (Result<void> added = program.add_function(function); !added) return tl::unexpected(added.error());
  program.finish();
  std::string problem;
  llvm::raw_string_ostream problems(problem);
  if (llvm::verifyModule(program.module(), &problems))
    return fail(fmt::format("internal error: the generated code is malformed: {}", problem));
  optimize(program.module(), *machine);
  std::string text;
  if (what == Emit::llvm_ir) {
    llvm::raw_string_ostream stream(text);
    program.module().print(stream, nullptr);
    return text;
  }
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  auto file_type = what == Emit::assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, file_type))
    return fail("the target cannot write this kind of file");
  passes.run(program.module());
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace netc
