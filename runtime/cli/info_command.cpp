// info and --version: what the program was made from.
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/text.h"
#include "runtime/train/program.h"

namespace netc::runtime {

int info_command(const nc_program_t &source, const std::string &call, const Arguments &arguments) {
  auto program = Program::open(source);
  if (!program) return report_error(call, program.error(), kFailed);
  const nlohmann::json &metadata = program->metadata();
  if (arguments.has("--source")) {
    std::fputs(metadata.value("source", "").c_str(), stdout);
    return kDone;
  }
  std::printf("%s, compiled by netc %s from %s\n", program->name().c_str(),
              metadata.value("netc_version", "0.1.0").c_str(), metadata.value("source_path", "?").c_str());
  if (arguments.version) return kDone;
  std::printf("runtime interface %d, metadata format %d\n", NC_ABI_VERSION, metadata.value("format", 0));
  std::printf("processor: %s\n", source.cpu);
  std::printf("data: %s\n", metadata.value("data_root", "?").c_str());
  std::printf("functions:");
  for (const Function &function : program->functions()) std::printf(" %s", function.name.c_str());
  std::printf("\n");
  return kDone;
}

}  // namespace netc::runtime
