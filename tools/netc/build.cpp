#include "tools/netc/build.h"

#include <fmt/core.h>
#include <llvm/Config/llvm-config.h>

#include "codegen/target.h"
#include "frontend/frontend.h"
#include "tools/netc/driver.h"
#include "tools/netc/hasher.h"
#include "tools/netc/program_cache.h"
#include "tools/netc/runtime_library.h"

namespace netc {

namespace fs = std::filesystem;

Result<std::string> program_key(const BuildRequest &request) {
  SourceMap sources;
  Diagnostics diagnostics;
  if (!read_sources(request.file, sources, diagnostics))
    return fail("the file has errors", render_text(diagnostics, sources, false));
  Hasher hasher;
  std::error_code code;
  hasher.add(fs::absolute(request.file, code).lexically_normal().string());
  for (FileId id = 0; id < sources.size(); ++id) {
    hasher.add(sources.file(id).name());
    hasher.add(sources.file(id).text());
  }
  for (const auto &[name, value] : request.defines) {
    hasher.add(name);
    hasher.add(value);
  }
  for (const std::string &module : request.modules) hasher.add(module);
  auto target = make_target(request.target);
  if (!target) return tl::unexpected(target.error());
  for (const std::string &text : {target->triple, target->cpu, target->features, host_bf16_features()})
    hasher.add(text);
  hasher.add(fmt::format("{} {}", request.target.debug_info, request.target.winograd));
  auto library = find_runtime_library();
  if (!library) return tl::unexpected(library.error());
  hasher.add(LLVM_VERSION_STRING);
  for (const fs::path &part : {fs::path("/proc/self/exe"), *library})
    if (!hasher.add_file(part)) return fail("cannot read " + part.string());
  return hasher.text();
}

tl::expected<fs::path, int> build_program(const BuildRequest &request) {
  Options options;
  options.input = request.file;
  options.frontend.defines = request.defines;
  options.target = request.target;
  options.modules = request.modules;
  options.warnings = request.warnings;
  auto compile = [&](const fs::path &output) {
    options.output = output;
    return run_driver(options);
  };
  auto complain = [](const Error &error) {
    fmt::print(stderr, "netc: error: {}\nhelp: {}\n", error.message, error.help);
    return tl::unexpected(2);
  };
  auto cache = ProgramCache::open();
  if (!cache) return complain(cache.error());
  auto key = program_key(request);
  if (!key) {  // the driver tells it better
    options.stage = Stage::elaborated;
    int exit_code = compile("/dev/null");
    return exit_code != 0 ? tl::unexpected(exit_code) : complain(key.error());
  }
  std::string name = request.file.stem().string();
  if (auto program = cache->find(*key, name)) return *program;
  return cache->add(*key, name, compile);
}

}  // namespace netc
