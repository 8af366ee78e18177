// The machine that code is generated for: LLVM's TargetMachine and the few facts that kernels are shaped by.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "codegen/codegen.h"
#include "ir/type.h"

namespace llvm {
class Function;
class TargetMachine;
}  // namespace llvm

namespace netc {

// Convolutions by Winograd's algorithm (contraction/winograd.h).
enum class Winograd { never, where_faster, wherever_possible, wherever_possible_in_stages };

struct Target {
  std::string triple;
  std::string cpu;                 // as LLVM knows it: "x86-64-v3", "znver4", "generic"
  std::string features;            // "+avx512f,...": all of them for native, otherwise what TargetOptions adds
  unsigned vector_floats = 4;      // f32 lanes of one native vector register: 4, 8 or 16
  unsigned vector_registers = 16;  // 16 or 32
  bool masked_memory = false;      // masked loads and stores are single instructions (AVX2, AVX-512)
  bool has_fma = false;            // llvm.fma is an instruction, not a library call
  bool broadcast_operand = false;  // FMA with a broadcast memory operand (AVX-512)
  bool rounds_to_bf16 = false;     // one instruction for 16 floats (AVX512_BF16)
  bool bf16_tiles = false;         // products of bf16 in tile registers (AMX)
  bool bf16_pairs = false;         // products of pairs of bf16, twice as many as of f32 (AVX512_BF16, AMD)
  // Contractions multiply pairs of bf16 that lie in the place of an f32 (contraction/paired.h).
  bool multiplies_pairs = false;
  Winograd winograd = Winograd::where_faster;
  bool small_code = false;  // sums are plain loops: for functions whose speed is no matter
  std::shared_ptr<llvm::TargetMachine> machine;

  // The features of runtime/cpu_features.h that the code may use, separated by spaces. Tile registers, which the
  // operating system has to be asked for, are among them only if the code uses them.
  std::string needed_features(bool uses_tiles = false) const;
  // Lanes of one register for this element type.
  unsigned lanes(DType dtype) const {
    return dtype == DType::f64 || dtype == DType::i64 ? vector_floats / 2 : vector_floats;
  }
  // target-cpu, target-features, prefer-vector-width, min-legal-vector-width, nounwind: every function we emit has
  // these.
  void add_attributes(llvm::Function &function) const;
};

// The cpu when none is named: of x86-64 the highest level up to v4 all of whose features a machine has; elsewhere
// "generic". The same code for all machines of a level, so that the same seed gives the same bits on them.
std::string default_cpu(bool x86, const std::function<bool(std::string_view feature)> &has);

// What this machine can do with bf16 beyond its level, as TargetOptions::features: a program in bf16 for this machine
// is made for it.
std::string host_bf16_features();

// Fails when the triple or the cpu is unknown to the LLVM that netc is built with. "native" is the cpu of this machine;
// without a cpu the code is for the default of this machine, and of x86-64-v2 when this machine is of another
// architecture.
Result<Target> make_target(const TargetOptions &options);

}  // namespace netc
