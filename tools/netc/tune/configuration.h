// How the values of a trial reach the program: a param that decides a shape is compiled in (netc -D), any other is set
// when the program runs (--set). Which is which depends on the values themselves: a momentum that only one optimizer
// has is not used by the others.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "frontend/frontend.h"
#include "support/diagnostics.h"
#include "tools/netc/tune/space.h"

namespace netc::tune {

using Defines = std::map<std::string, std::string>;

struct Configuration {
  Defines defines;   // for the compiler
  Defines settings;  // for the program
};

// What became of one elaboration of the file.
struct Elaborated {
  std::unique_ptr<SourceMap> sources;
  Diagnostics diagnostics;
  std::optional<Program> program;  // nothing: diagnostics say why
};
Elaborated elaborate_with(const std::filesystem::path &file, const Defines &defines);

class Configurator {
 public:
  // `fixed`: the params given on the command line.
  Configurator(std::filesystem::path file, Defines fixed) : file_(std::move(file)), fixed_(std::move(fixed)) {}

  // What the values lead to. `inspect`, when given, sees each elaboration that is made on the way, the last one being
  // that of the program; an elaboration that fails is the last one, and there is no configuration then.
  std::optional<Configuration> of(const Values &values, const std::function<void(Elaborated &)> &inspect = {});
  const std::filesystem::path &file() const { return file_; }

 private:
  // The params of the metadata under these defines; null: the elaboration failed.
  const nlohmann::json *parameters(const Defines &defines, const std::function<void(Elaborated &)> &inspect);
  std::filesystem::path file_;
  Defines fixed_;
  std::map<Defines, nlohmann::json> known_;
};

}  // namespace netc::tune
