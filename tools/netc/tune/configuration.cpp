#include "tools/netc/tune/configuration.h"

namespace netc::tune {

using nlohmann::json;

Elaborated elaborate_with(const std::filesystem::path &file, const Defines &defines) {
  Elaborated result{std::make_unique<SourceMap>(), {}, std::nullopt};
  result.program = compile_file(file, {defines}, *result.sources, result.diagnostics);
  return result;
}

const json *Configurator::parameters(const Defines &defines, const std::function<void(Elaborated &)> &inspect) {
  if (auto known = known_.find(defines); known != known_.end() && !inspect) return &known->second;
  Elaborated elaborated = elaborate_with(file_, defines);
  if (inspect) inspect(elaborated);
  if (!elaborated.program) return nullptr;
  return &known_.insert_or_assign(defines, (*elaborated.program->metadata)["parameters"]).first->second;
}

std::optional<Configuration> Configurator::of(const Values &values, const std::function<void(Elaborated &)> &inspect) {
  Configuration result{fixed_, {}};
  while (true) {
    const json *list = parameters(result.defines, inspect);
    if (!list) return std::nullopt;
    Defines more = result.defines;
    result.settings.clear();
    for (const json &parameter : *list) {
      auto value = values.find(parameter["name"]);
      if (value == values.end() || value->second == parameter["value"]) continue;
      if (parameter["runtime"])
        result.settings[value->first] = value_text(value->second);
      else if (parameter["used"])
        more[value->first] = value_text(value->second);
    }
    if (more == result.defines) return result;
    result.defines = std::move(more);
  }
}

}  // namespace netc::tune
