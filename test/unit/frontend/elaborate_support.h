// Elaborates text given in a test.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "frontend/frontend.h"

namespace netc::test {

struct Elaborated {
  SourceMap sources;
  Diagnostics diagnostics;
  std::optional<Program> program;
  std::string messages() const { return render_text(diagnostics, sources, false); }
  const nlohmann::json &metadata() const { return *program->metadata; }
};

// Writes `text` to a file of its own and compiles it.
std::unique_ptr<Elaborated> elaborate_text(const std::string &text, const FrontendOptions &options = {});
std::unique_ptr<Elaborated> elaborate_path(const std::filesystem::path &path);

// A network with a body, a data section and a train section around it.
std::string experiment(const std::string &network, const std::string &train = "optimizer = sgd(learning_rate = 0.1)",
                       const std::string &before = "");

}  // namespace netc::test
