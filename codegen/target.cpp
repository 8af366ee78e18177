#include "codegen/target.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/IR/Function.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>
#include <llvm/TargetParser/Triple.h>

#include <span>

#include "runtime/cpu_features.h"

namespace netc {

namespace {

// The kernels are emitted in the order that keeps their accumulators in registers; LLVM's machine scheduler would spill
// some. The option is LLVM's own, for the whole process.
void keep_instruction_order() {
  auto &options = llvm::cl::getRegisteredOptions();
  auto found = options.find("enable-misched");
  if (found != options.end() && found->second->getNumOccurrences() == 0)
    found->second->addOccurrence(0, "enable-misched", "false");
}

void initialize_targets() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  keep_instruction_order();
}

// "+avx2,+fma,...": what the processor and the operating system of this machine offer.
std::string host_features() {
  llvm::SubtargetFeatures features;
  for (const auto &feature : llvm::sys::getHostCPUFeatures()) features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

constexpr std::string_view kX86Features[] = {
#define FEATURE(name) name,
    NC_X86_FEATURES(FEATURE)
#undef FEATURE
};
constexpr std::string_view kAArch64Features[] = {
#define FEATURE(name, bit) name,
    NC_AARCH64_FEATURES(FEATURE)
#undef FEATURE
};

std::string host_default_cpu(const llvm::Triple &triple) {
  if (triple.isX86() && !llvm::Triple(llvm::sys::getDefaultTargetTriple()).isX86()) return "x86-64-v2";
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  return default_cpu(triple.isX86(), [&](std::string_view feature) { return features.lookup(feature); });
}

// Of processors with AVX512_BF16 AMD's do twice the products of f32 with it, Intel's half (measured on Sapphire
// Rapids). A level of x86-64 has it only where it was asked for: host_bf16_features.
bool multiplies_pairs_fast(std::string_view cpu) { return cpu.starts_with("znver") || cpu.starts_with("x86-64"); }

bool host_is_intel() {
#ifdef __x86_64__
  return __builtin_cpu_is("intel") != 0;
#else
  return false;
#endif
}

// The facts of the table in docs/codegen.md, read off the features that the cpu implies.
void describe(Target &target, const llvm::Triple &triple) {
  if (triple.isAArch64()) {
    target.vector_floats = 4;
    target.vector_registers = 32;
    target.has_fma = true;
    return;
  }
  const llvm::MCSubtargetInfo &info = *target.machine->getMCSubtargetInfo();
  bool avx512 = info.checkFeatures("+avx512f,+avx512vl,+avx512bw,+avx512dq");
  bool avx2 = info.checkFeatures("+avx2");
  target.vector_floats = avx512 ? 16 : avx2 ? 8 : 4;
  target.vector_registers = avx512 ? 32 : 16;
  target.masked_memory = avx2;
  target.has_fma = info.checkFeatures("+fma");
  target.broadcast_operand = avx512;
  target.rounds_to_bf16 = avx512 && info.checkFeatures("+avx512bf16");
  target.bf16_tiles = avx512 && info.checkFeatures("+amx-tile,+amx-bf16");
  target.bf16_pairs = target.rounds_to_bf16 && !target.bf16_tiles && multiplies_pairs_fast(target.cpu);
}

}  // namespace

void Target::add_attributes(llvm::Function &function) const {
  function.addFnAttr("target-cpu", cpu);
  if (!features.empty()) function.addFnAttr("target-features", features);
  std::string bits = std::to_string(vector_floats * 32);
  function.addFnAttr("prefer-vector-width", bits);
  function.addFnAttr("min-legal-vector-width", bits);
  function.addFnAttr(llvm::Attribute::NoUnwind);
}

std::string Target::needed_features(bool uses_tiles) const {
  const llvm::MCSubtargetInfo &info = *machine->getMCSubtargetInfo();
  std::span<const std::string_view> names = kX86Features;
  if (llvm::Triple(triple).isAArch64()) names = kAArch64Features;
  std::string needed;
  for (std::string_view name : names)
    if ((uses_tiles || !name.starts_with("amx")) && info.checkFeatures("+" + std::string(name)))
      needed += (needed.empty() ? "" : " ") + std::string(name);
  return needed;
}

std::string default_cpu(bool x86, const std::function<bool(std::string_view feature)> &has) {
  if (!x86) return "generic";
  std::string cpu = "x86-64";
  const std::pair<const char *, llvm::StringRef> levels[] = {
      {"x86-64-v2", NC_X86_64_V2_FEATURES}, {"x86-64-v3", NC_X86_64_V3_FEATURES}, {"x86-64-v4", NC_X86_64_V4_FEATURES}};
  for (const auto &[level, features] : levels) {
    if (!llvm::all_of(llvm::split(features, ' '), has)) break;
    cpu = level;
  }
  return cpu;
}

std::string host_bf16_features() {
  std::string features;
  if (!llvm::Triple(llvm::sys::getDefaultTargetTriple()).isX86()) return features;
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  // Without AMX the code would multiply pairs.
  if (!has.lookup("avx512bw") || (host_is_intel() && !has.lookup("amx-bf16"))) return features;
  for (const char *name : {"avx512bf16", "amx-tile", "amx-bf16"})
    if (has.lookup(name)) features += (features.empty() ? "+" : ",+") + std::string(name);
  return features;
}

Result<Target> make_target(const TargetOptions &options) {
  initialize_targets();
  Target target;
  target.triple =
      options.triple.empty() ? llvm::sys::getDefaultTargetTriple() : llvm::Triple::normalize(options.triple);
  llvm::Triple triple(target.triple);
  if (!triple.isX86() && !triple.isAArch64())
    return fail(fmt::format("no code generator for the target '{}'", target.triple),
                "x86-64 and AArch64 are supported");
  target.cpu = options.cpu.empty() ? host_default_cpu(triple) : options.cpu;
  target.features = options.features;
  if (options.cpu == "native") {
    if (triple.getArch() != llvm::Triple(llvm::sys::getDefaultTargetTriple()).getArch())
      return fail("the cpu 'native' is only known for this machine's own architecture", "name a cpu: \"generic\"");
    target.cpu = llvm::sys::getHostCPUName().str();
    target.features = host_features();
  }
  std::string problem;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(target.triple, problem);
  if (found == nullptr) return fail(problem);
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(found->createMCSubtargetInfo(target.triple, "", ""));
  if (!subtarget->isCPUStringValid(target.cpu))
    return fail(fmt::format("unknown cpu '{}' for the target '{}'", target.cpu, target.triple),
                triple.isX86() ? "x86-64-v2, x86-64-v3, x86-64-v4 or native" : "generic, or a cpu as LLVM names it");
  llvm::TargetOptions machine_options;
  machine_options.FunctionSections = true;
  machine_options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  target.machine.reset(found->createTargetMachine(target.triple, target.cpu, target.features, machine_options,
                                                  llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
  describe(target, triple);
  target.winograd = options.winograd ? Winograd::where_faster : Winograd::never;
  return target;
}

}  // namespace netc
