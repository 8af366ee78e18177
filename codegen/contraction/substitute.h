// A contraction planned over other forms of its operands, 32 bits an element: copies that stages of their own make, or
// the operand's memory looked at differently. The kernels planned for these forms know nothing of it.
#pragma once

#include <functional>

#include "codegen/kernel_emitter.h"

namespace netc::contraction {

struct Substitute {
  ValueLayout layout;  // as the kernels see it
  // Null: the operand's memory is what `layout` says. Otherwise it is copied by this stage, which emits
  // copy(emitter, to) and leaves `emit` empty.
  std::function<void(KernelEmitter &, llvm::Value *to)> copy = nullptr;
  KernelStage stage = {};
};

struct Substitution {
  std::vector<Substitute> operands;  // both
  Target target;                     // what the kernels are emitted for
  // Two samples are one for the kernels: their batch is half of the real one, rounded up.
  bool halves_batch = false;
  // Not empty: operand 1 hardly ever changes. Its copy is made for good, under this name.
  std::string prepared_as = {};
};

// `inner`: what was planned for substitution.operands.
ContractionLowering substitute(ContractionLowering inner, Substitution substitution);

// The first element stored of an operand, halo included.
llvm::Value *first_stored(KernelEmitter &emitter, size_t operand);

}  // namespace netc::contraction
