// The part of ProgramBuilder that writes the table of runtime/abi.h: what the runtime knows of a program.
#include <llvm/ADT/StringExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/Support/Compression.h>

#include "codegen/fma_peak.h"
#include "codegen/lowering.h"
#include "codegen/program_builder.h"
#include "runtime/abi.h"

namespace netc {

llvm::Constant *ProgramBuilder::text(const std::string &bytes) {
  auto [text, added] = texts_.try_emplace(bytes);
  if (added) {
    auto *content = llvm::ConstantDataArray::getString(context_, bytes);
    text->second =
        new llvm::GlobalVariable(module_, content->getType(), true, llvm::GlobalValue::PrivateLinkage, content, "text");
  }
  return text->second;
}

std::pair<llvm::Constant *, size_t> ProgramBuilder::deflated(const std::string &bytes) {
  llvm::SmallVector<uint8_t, 0> packed;
  llvm::compression::zlib::compress(llvm::arrayRefFromStringRef(bytes), packed,
                                    llvm::compression::zlib::BestSizeCompression);
  auto *content = llvm::ConstantDataArray::get(context_, llvm::ArrayRef(packed));
  return {new llvm::GlobalVariable(module_, content->getType(), true, llvm::GlobalValue::PrivateLinkage, content,
                                   "metadata"),
          packed.size()};
}

llvm::Constant *ProgramBuilder::kernel_entry(const OpTask &task, const std::string &function, const KernelName &name,
                                             llvm::Function *kernel, const std::vector<int64_t> &places,
                                             const Work &work) {
  auto constant = [&](llvm::Constant *content, const char *what) {
    return new llvm::GlobalVariable(module_, content->getType(), true, llvm::GlobalValue::PrivateLinkage, content,
                                    what);
  };
  auto real = [&](double x) { return llvm::ConstantFP::get(llvm::Type::getDoubleTy(context_), x); };
  auto number = [&](int64_t n) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context_), static_cast<uint64_t>(n));
  };
  std::vector<uint64_t> offsets(places.begin(), places.end());
  llvm::Constant *table = constant(llvm::ConstantDataArray::get(context_, offsets), "places");
  return constant(llvm::ConstantStruct::getAnon(
                      context_, {text(function), text(name.step), text(name.direction), text(name.ops), kernel, table,
                                 number(op_), number(task.op->location.line), real(work.flops.fixed),
                                 real(work.flops.batch), real(work.bytes.fixed), real(work.bytes.batch)}),
                  "kernel");
}

void ProgramBuilder::finish() {
  llvm::IRBuilder<> ir(context_);
  auto i32 = [&](size_t n) { return ir.getInt32(static_cast<uint32_t>(n)); };
  auto i64 = [&](int64_t n) { return ir.getInt64(static_cast<uint64_t>(n)); };
  auto *pointer = ir.getPtrTy();
  auto array = [&](llvm::Type *type, const std::vector<llvm::Constant *> &items, const char *name) -> llvm::Constant * {
    if (items.empty()) return llvm::ConstantPointerNull::get(pointer);
    auto *content = llvm::ConstantArray::get(llvm::ArrayType::get(type, items.size()), items);
    return new llvm::GlobalVariable(module_, content->getType(), true, llvm::GlobalValue::PrivateLinkage, content,
                                    name);
  };
  auto *entry_type = llvm::StructType::create(
      context_, {pointer, pointer, ir.getInt64Ty(), ir.getInt64Ty(), ir.getInt64Ty(), ir.getInt64Ty(), ir.getInt64Ty()},
      "nc_function_entry");
  std::vector<llvm::Constant *> entries, scalars, modules;
  for (const Entry &entry : entries_)
    entries.push_back(llvm::ConstantStruct::get(
        entry_type, {text(entry.name), entry.function, i64(entry.fixed_bytes), i64(entry.batch_bytes),
                     i64(entry.inputs), i64(entry.outputs), i64(entry.samples_per_block)}));
  for (const std::string &scalar : metadata_.scalars) scalars.push_back(text(scalar));
  for (const std::string &symbol : metadata_.runtime_modules)
    modules.push_back(llvm::cast<llvm::Constant>(module_.getOrInsertGlobal(symbol, ir.getInt8Ty())));
  auto real = [&](double x) { return llvm::ConstantFP::get(ir.getDoubleTy(), x); };
  auto [packed, packed_size] = deflated(metadata_.json);
  std::vector<llvm::Constant *> fields = {
      i32(NC_ABI_VERSION),
      i32(entries.size()),
      array(entry_type, entries, "functions"),
      i64(weight_bytes_),
      packed,
      i64(static_cast<int64_t>(metadata_.json.size())),
      i64(static_cast<int64_t>(packed_size)),
      array(pointer, scalars, "scalar_names"),
      i64(static_cast<int64_t>(scalars.size())),
      array(pointer, modules, "modules"),
      i64(static_cast<int64_t>(modules.size())),
      array(pointer, kernels_, "kernels"),
      i64(static_cast<int64_t>(kernels_.size())),
      emit_fma_peak(*this),
      real(fma_peak_flops(target_)),
      text(target_.cpu),
      text(target_.needed_features(module_.getFunction("llvm.x86.ldtilecfg") != nullptr))};
  auto *table = llvm::ConstantStruct::getAnon(context_, fields);
  new llvm::GlobalVariable(module_, table->getType(), true, llvm::GlobalValue::ExternalLinkage, table, "nc_program");
  debug_.finish();
}

}  // namespace netc
