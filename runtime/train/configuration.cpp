#include "runtime/train/configuration.h"

#include "runtime/cli/text.h"

namespace netc::runtime {

using nlohmann::json;

std::string net_text(const json &value) {
  if (value.is_null()) return "none";
  if (value.is_string()) return '"' + value.get<std::string>() + '"';
  if (value.is_number_float()) return format("%g", value.get<double>());
  bool call = value.is_object() && value.contains("call");
  if (!call && !value.is_array()) {
    if (!value.is_object()) return value.dump();
    if (value.contains("name")) return value["name"];
    return value.contains("unit") ? net_text(value["value"]) + " " + value["unit"].get<std::string>() : value.dump();
  }
  std::string text;
  for (const json &one : call ? value["args"] : value) text += ", " + net_text(one);
  if (call) {
    for (const auto &[name, one] : value["named"].items()) text += ", " + name + " = " + net_text(one);
  }
  text.erase(0, 2);
  return call ? value["call"].get<std::string>() + "(" + text + ")" : "[" + text + "]";
}

std::vector<ConfigurationRow> configuration_rows(const Settings &settings) {
  std::vector<ConfigurationRow> rows;
  for (const Parameter &parameter : settings.parameters) {
    const json &value = parameter.value;
    rows.push_back({"param " + parameter.name, value.is_string() ? value.get<std::string>() : net_text(value),
                    parameter.from + (parameter.runtime ? "" : " (fixed)")});
  }
  rows.push_back({"epochs", std::to_string(settings.epochs.value), settings.epochs.from});
  rows.push_back({"batch_size", std::to_string(settings.batch_size.value), settings.batch_size.from});
  rows.push_back({"seed", std::to_string(settings.seed.value), settings.seed.from});
  if (settings.sample.value != 1) rows.push_back({"sample", short_number(settings.sample.value), settings.sample.from});
  rows.push_back({"data root", settings.data_root.value, settings.data_root.from});
  auto section = [&](const char *name) { return settings.metadata.value(name, json()); };
  json train = section("train"), loss = section("loss");
  if (loss.is_object()) rows.push_back({"loss", loss.value("text", ""), "file"});
  if (!train.is_object()) return rows;
  for (const auto &[key, value] : train.items()) {
    if (key == "epochs" || key == "batch_size" || key == "seed" || key == "loss") continue;
    rows.push_back({key, value.is_string() ? value.get<std::string>() : net_text(value), "file"});
  }
  return rows;
}

}  // namespace netc::runtime
