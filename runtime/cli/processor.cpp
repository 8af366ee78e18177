#include "runtime/cli/processor.h"

#include <string>
#include <vector>

#include "runtime/cpu_features.h"
#ifdef __aarch64__
#include <sys/auxv.h>
#else
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace netc::runtime {
namespace {

using Has = bool (*)(std::string_view);

std::vector<std::string> missing(std::string_view features, Has has) {
  std::vector<std::string> names;
  while (!features.empty()) {
    size_t end = std::min(features.find(' '), features.size());
    if (std::string_view name = features.substr(0, end); !has(name)) names.emplace_back(name);
    features.remove_prefix(std::min(end + 1, features.size()));
  }
  return names;
}

// The cpu that fits every program to this machine.
std::string suitable_cpu(Has has) {
#ifdef __x86_64__
  std::string cpu = "x86-64";
  const char *levels[][2] = {
      {"x86-64-v2", NC_X86_64_V2_FEATURES}, {"x86-64-v3", NC_X86_64_V3_FEATURES}, {"x86-64-v4", NC_X86_64_V4_FEATURES}};
  for (auto [level, features] : levels) {
    if (!missing(features, has).empty()) break;
    cpu = level;
  }
  return cpu;
#else
  (void)has;
  return "generic";
#endif
}

// Linux keeps the tile registers of AMX from a process until it asks for them; all its threads may use them then.
bool may_use_tiles() {
#ifdef __x86_64__
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return true;
#endif
}

}  // namespace

bool processor_has(std::string_view feature) {
#ifdef __x86_64__
#define FEATURE(name) \
  if (feature == name) return __builtin_cpu_supports(name) != 0;
  NC_X86_FEATURES(FEATURE)
#undef FEATURE
#elif defined(__aarch64__)
#define FEATURE(name, bit) \
  if (feature == name) return (getauxval(AT_HWCAP) & (bit)) != 0;
  NC_AARCH64_FEATURES(FEATURE)
#undef FEATURE
#endif
  return true;
}

Result<void> check_processor(const nc_program_t &program, Has has) {
  if (program.abi_version != NC_ABI_VERSION) return {};  // Program::open tells
  std::vector<std::string> names = missing(program.cpu_features, has);
  if (names.empty()) {
    if (std::string_view(program.cpu_features).find("amx-tile") == std::string_view::npos || may_use_tiles()) return {};
    return fail("this program uses the processor's matrix registers (AMX), and the system does not allow it",
                "compile it with netc --target-cpu=" + suitable_cpu(has));
  }
  std::string list;
  for (size_t i = 0; i < names.size(); ++i) list += (i == 0 ? "" : i + 1 < names.size() ? ", " : " and ") + names[i];
  return fail(std::string("this program was compiled for ") + program.cpu + ", and this processor has no " + list,
              "compile it on this machine, or with netc --target-cpu=" + suitable_cpu(has));
}

}  // namespace netc::runtime
