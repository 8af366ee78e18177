// The entry of the phase: lowers every function, then has it compiled whole or in parts.
#include <fmt/format.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Object/ArchiveWriter.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>

#include "codegen/archive.h"
#include "codegen/emit.h"
#include "codegen/parts.h"
#include "codegen/program_builder.h"
#include "ir/op.h"

namespace netc {

namespace {

Result<void> build(ProgramBuilder &program, const Module &module) {
  // `prepare` comes last: the others say what it has to do.
  std::vector<const Function *> functions;
  for (const Function &function : module.functions) functions.push_back(&function);
  std::ranges::stable_partition(functions, [](const Function *function) { return function->name != "prepare"; });
  for (const Function *function : functions)
    if (Result<void> added = program.add_function(*function); !added) return added;
  program.finish();
  std::string problem;
  llvm::raw_string_ostream problems(problem);
  if (llvm::verifyModule(program.module(), &problems))
    return fail(fmt::format("internal error: the generated code is malformed: {}", problem));
  return {};
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
  ProgramBuilder program(module, metadata, *target, options.debug_info);
  if (Result<void> built = build(program, module); !built) return tl::unexpected(built.error());
  optimize(program.module(), *target->machine);
  return emit(program.module(), *target->machine, what);
}

Result<std::string> generate_archive(const Module &module, const Metadata &metadata, const TargetOptions &options,
                                     unsigned threads) {
  Result<Target> target = make_target(options);
  if (!target) return tl::unexpected(target.error());
  ProgramBuilder program(module, metadata, *target, options.debug_info);
  if (Result<void> built = build(program, module); !built) return tl::unexpected(built.error());
  auto objects = emit_in_parts(program.module(), *target, threads);
  if (!objects) return tl::unexpected(objects.error());
  std::vector<llvm::NewArchiveMember> members;
  for (size_t n = 0; n < objects->size(); ++n) {
    members.emplace_back(llvm::MemoryBufferRef((*objects)[n], "part"));
    members.back().MemberName = members.back().Buf->getBufferIdentifier();
  }
  auto archive = llvm::writeArchiveToBuffer(members, llvm::SymtabWritingMode::NormalSymtab,
                                            llvm::object::Archive::K_GNU, true, false);
  if (!archive) return fail("internal error: " + llvm::toString(archive.takeError()));
  return (*archive)->getBuffer().str();
}

}  // namespace netc
