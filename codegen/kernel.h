// A kernel under construction: one LLVM function `void kernel(context, chunk, places)`, where its values live, and
// loops in SSA form. The function knows shapes alone; where values lie is told in the table `places`, so that ops of
// the same shapes have the same code.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "codegen/kernel_emitter.h"
#include "codegen/target.h"

namespace netc {

class ProgramBuilder;

// Where a value is found at run time: in memory, or as one number known to the kernel without an address.
struct Storage {
  ValueLayout layout;
  Placement placement;                     // space `none`: not in memory
  llvm::GlobalVariable *global = nullptr;  // a constant of the object
  std::optional<double> splat;             // every element is this number
  std::optional<size_t> slot;              // the runtime value in this slot
};

// A value as a kernel sees it: an address, or one number that stands for every element.
struct Operand {
  Type type;
  Address address;  // base is null when `number` is set
  llvm::Value *number = nullptr;
};

// Row-major strides in elements over the shape grown by the halo. Left of the batch axis they grow with the batch;
// Address keeps only their sizes.
std::vector<Dim> strides_of(const ValueLayout &layout);
std::vector<Dim> strides_of(const Address &address);
// Elements in memory, halo included.
Dim stored_elements(const ValueLayout &layout);

class Kernel {
 public:
  // Starts the function: `name` is made unique in the module. `target` is the one the kernel was planned for.
  Kernel(ProgramBuilder &program, const Target &target, const std::string &name, const Location &location);

  llvm::IRBuilder<> ir;
  ProgramBuilder &program;
  const Target &target;
  llvm::Function *function = nullptr;
  llvm::Value *context = nullptr;
  llvm::Value *chunk = nullptr;
  llvm::Value *batch = nullptr;

  // Computed in the entry block, whatever the insertion point is.
  Operand operand(const Storage &storage);
  Address address(const Storage &storage);
  llvm::Value *size(Dim dim);
  llvm::Value *seed();
  llvm::Value *step();
  // `offset` bytes (for each sample) into the fixed or the batch workspace.
  llvm::Value *weight_space(int64_t offset);
  llvm::Value *fixed_space(int64_t offset);
  llvm::Value *batch_space(int64_t offset);
  // The start of the fixed workspace.
  llvm::Value *workspace();

  // Where the instructions that follow come from in the user's file.
  void set_location(const Location &location);

  llvm::Type *register_type(DType dtype) const;  // boolean: i1; bf16: i16, its bits
  llvm::Type *memory_type(DType dtype) const;    // boolean: i8
  llvm::Value *i64(int64_t value) { return ir.getInt64(static_cast<uint64_t>(value)); }

  // for (i = begin; i < end; i += step) carried = body(i, carried). Returns what is carried out; zero trips are fine.
  using Values = std::vector<llvm::Value *>;
  Values loop(llvm::Value *begin, llvm::Value *end, int64_t step, Values carried,
              const std::function<Values(llvm::Value *, const Values &)> &body);
  void loop(llvm::Value *begin, llvm::Value *end, int64_t step, const std::function<void(llvm::Value *)> &body);
  // if (condition) yes() else no(); both give as many values, joined by phis.
  Values branch(llvm::Value *condition, const std::function<Values()> &yes, const std::function<Values()> &no);
  // The units [first, last) of chunk number `chunk`.
  std::pair<llvm::Value *, llvm::Value *> chunk_range(Dim units, int64_t units_per_chunk);

  // Ends the function.
  llvm::Function *finish();
  // What this use of the kernel is to be called with.
  const std::vector<int64_t> &places() const { return places_; }

 private:
  llvm::Value *table_field(llvm::Value *table, unsigned number, llvm::Type *type);
  llvm::Value *context_field(unsigned number, llvm::Type *type);
  llvm::Value *behind(llvm::Value *base, llvm::Value *bytes);
  // `offset`, as the next entry of `places`.
  llvm::Value *place(int64_t offset);
  template <typename F>
  auto in_entry(F &&emit);
  llvm::Instruction *entry_end_ = nullptr;
  std::vector<llvm::Value *> fields_;
  std::vector<int64_t> places_;
};

}  // namespace netc
