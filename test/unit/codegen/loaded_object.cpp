#include "test/unit/codegen/loaded_object.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "codegen/target.h"
#include "runtime/abi.h"
#include "test/unit/codegen/emulator.h"

// Chunks in reverse order: a kernel whose chunks depend on each other fails. With a runtime of the caller's, who
// measures, in order.
extern "C" void nc_parallel_for(const nc_context *context, const nc_kernel_entry *kernel, int64_t count, int64_t) {
  for (int64_t n = 0; n < count; ++n)
    kernel->kernel(context, context->runtime == nullptr ? count - 1 - n : n, kernel->places);
}

namespace netc::test {

namespace {

template <typename T>
T check(llvm::Expected<T> expected) {
  if (!expected) throw std::runtime_error(llvm::toString(expected.takeError()));
  return std::move(*expected);
}
void check(llvm::Error error) {
  if (error) throw std::runtime_error(llvm::toString(std::move(error)));
}

class HostObject final : public LoadedObject {
 public:
  explicit HostObject(const std::string &object) {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    jit_ = check(llvm::orc::LLJITBuilder().create());
    llvm::orc::JITDylib &library = jit_->getMainJITDylib();
    library.addGenerator(
        check(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(jit_->getDataLayout().getGlobalPrefix())));
    llvm::orc::SymbolMap symbols;
    symbols[jit_->mangleAndIntern("nc_parallel_for")] = {llvm::orc::ExecutorAddr::fromPtr(&nc_parallel_for),
                                                         llvm::JITSymbolFlags::Exported};
    check(library.define(llvm::orc::absoluteSymbols(symbols)));
    check(jit_->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object)));
  }

  uint64_t address(const std::string &symbol) override { return check(jit_->lookup(symbol)).getValue(); }
  uint64_t lend(void *memory, size_t) override { return reinterpret_cast<uint64_t>(memory); }
  void take_back() override {}
  void read(uint64_t address, void *to, size_t size) override {
    std::memcpy(to, reinterpret_cast<const void *>(address), size);
  }
  void call(uint64_t function, uint64_t context, int64_t chunk) override {
    reinterpret_cast<void (*)(uint64_t, int64_t)>(function)(context, chunk);
  }

 private:
  std::unique_ptr<llvm::orc::LLJIT> jit_;
};

std::vector<TargetOptions> host_targets() {
#ifdef __x86_64__
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  std::vector<TargetOptions> targets = {{"", "x86-64-v2"}};
  if (features["avx2"] && features["fma"] && features["bmi2"]) targets.push_back({"", "x86-64-v3"});
  if (features["avx512f"] && features["avx512vl"] && features["avx512bw"] && features["avx512dq"])
    targets.push_back({"", "x86-64-v4"});
  return targets;
#else
  return {{"", "generic"}};
#endif
}

// The system lets this process use tile registers, which it has to be asked for.
bool may_use_tiles() {
#ifdef __x86_64__
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

}  // namespace

std::vector<TargetOptions> bf16_targets() {
  constexpr const char *kPairs = "+avx512bf16";
  std::vector<TargetOptions> targets;
  auto add = [&](const std::string &features) {
    targets.push_back(best_target());
    targets.back().features = features;
  };
  std::string features = host_bf16_features();
  if (!features.empty() && features != kPairs && may_use_tiles()) add(features);
  if (llvm::sys::getHostCPUFeatures().lookup("avx512bf16")) add(kPairs);
  return targets;
}

std::vector<TargetOptions> runnable_targets() {
  std::vector<TargetOptions> targets = host_targets();
  if (emulates_aarch64()) targets.push_back({"aarch64-linux-gnu", "generic"});
  return targets;
}

TargetOptions best_target() { return host_targets().back(); }

std::unique_ptr<LoadedObject> load_object(const std::string &object, const TargetOptions &target) {
  if (target.triple.starts_with("aarch64")) return load_in_emulator(object);
  return std::make_unique<HostObject>(object);
}

}  // namespace netc::test
