// The LLVM module under construction: what the kernels of a program share.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codegen/codegen.h"
#include "codegen/debug_info.h"
#include "codegen/equal_functions.h"
#include "codegen/kernel.h"
#include "codegen/kernel_name.h"
#include "codegen/target.h"
#include "codegen/work.h"
#include "ir/graph.h"

namespace netc {

struct PreparedSpace {
  int64_t offset;  // bytes from the start of the weights
  bool added;      // now: it was not asked for before
};

class ProgramBuilder {
 public:
  ProgramBuilder(const Module &source, const Metadata &metadata, Target target, bool debug_info);

  llvm::LLVMContext &context() { return context_; }
  llvm::Module &module() { return module_; }
  const Target &target() const { return target_; }
  DebugInfo &debug() { return debug_; }
  llvm::MDNode *no_unroll() const { return no_unroll_; }

  // Lowers a function and remembers it for the program table.
  Result<void> add_function(const Function &function);
  // Emits `nc_program`.
  void finish();

  // Where what is computed from a weight alone is kept, behind the weights, until it is prepared anew; `as` says what
  // it is.
  PreparedSpace prepared_space(const Storage &weight, const std::string &as, int64_t bytes);

  // The same value at an address: a splat becomes a constant of the object.
  Storage in_memory(const Storage &storage);

 private:
  std::vector<Storage> place_values(const Function &function);
  Storage constant(const Op &op);
  llvm::GlobalVariable *data(const Type &type, const std::vector<double> &values);
  Result<void> emit_op(const Op &op, const Function &function, std::vector<Storage> &storage, llvm::IRBuilder<> &ir,
                       llvm::Value *call_context);
  void emit_stages(struct Lowering &lowering, const struct OpTask &task, const KernelName &name, llvm::IRBuilder<> &ir,
                   llvm::Value *call_context);
  void call_kernel(llvm::Constant *entry, llvm::Value *chunks, llvm::Value *nanoseconds, llvm::IRBuilder<> &ir,
                   llvm::Value *call_context);
  void emit_copy(const Storage &from, const Storage &to, const Op &op, const Function &function, llvm::IRBuilder<> &ir,
                 llvm::Value *call_context);
  llvm::Constant *text(const std::string &bytes);                          // ends with a zero; equal ones are one
  std::pair<llvm::Constant *, size_t> deflated(const std::string &bytes);  // and how many bytes it has then

  struct Entry {
    std::string name;
    llvm::Function *function;
    int64_t fixed_bytes, batch_bytes, inputs, outputs, samples_per_block;
  };
  // The record of a use of a kernel (nc_kernel_entry).
  llvm::Constant *kernel_entry(const struct OpTask &task, const std::string &function, const KernelName &name,
                               llvm::Function *kernel, const std::vector<int64_t> &places, const Work &work);
  std::vector<llvm::Constant *> kernels_;
  Work work_;  // of the function that is being lowered
  // What `prepare` does after its own ops.
  struct PreparingCall {
    llvm::Constant *entry;
    int64_t chunks, nanoseconds;
  };
  std::vector<PreparingCall> preparing_calls_;
  std::map<std::pair<int64_t, std::string>, int64_t> prepared_;  // offsets by weight and form
  int64_t weight_bytes_;                                         // with what is prepared
  std::map<std::string, llvm::Constant *> texts_;
  EqualFunctions equal_kernels_;
  const Module &source_;
  const Metadata &metadata_;
  Target target_;
  Target frugal_target_;  // the same for small code, with so few registers that tiles are small
  llvm::LLVMContext context_;
  llvm::Module module_;
  DebugInfo debug_;
  llvm::MDNode *no_unroll_ = nullptr;
  std::vector<Entry> entries_;
  int64_t op_ = 0;                                 // being lowered: its place in the function
  int64_t scratch_fixed_ = 0, scratch_batch_ = 0;  // of the function being lowered: the most any op needs
};

}  // namespace netc
