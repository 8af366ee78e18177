// The machine that code is generated for: LLVM's TargetMachine and the few facts that kernels are shaped by.
#pragma once

#include <memory>
#include <string>

#include "codegen/codegen.h"
#include "ir/type.h"

namespace llvm {
class Function;
class TargetMachine;
}  // namespace llvm

namespace netc {

struct Target {
  std::string triple;
  std::string cpu;                 // as LLVM knows it: "x86-64-v3", "znver4", "generic"
  std::string features;            // "+avx512f,..." for native; otherwise empty
  unsigned vector_floats = 4;      // f32 lanes of one native vector register: 4, 8 or 16
  unsigned vector_registers = 16;  // 16 or 32
  bool masked_memory = false;      // masked loads and stores are single instructions (AVX2, AVX-512)
  bool has_fma = false;            // llvm.fma is an instruction, not a library call
  bool broadcast_operand = false;  // FMA with a broadcast memory operand (AVX-512)
  std::shared_ptr<llvm::TargetMachine> machine;

  // Lanes of one register for this element type.
  unsigned lanes(DType dtype) const {
    return dtype == DType::f64 || dtype == DType::i64 ? vector_floats / 2 : vector_floats;
  }
  // target-cpu, target-features, prefer-vector-width, min-legal-vector-width, nounwind: every function we emit has
  // these.
  void add_attributes(llvm::Function &function) const;
};

// Fails when the triple or the cpu is unknown to the LLVM that netc is built with. "native" is the cpu of this machine.
Result<Target> make_target(const TargetOptions &options);

}  // namespace netc
