#include "runtime/train/settings.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "runtime/cli/text.h"
#include "runtime/data/arguments.h"
#include "runtime/io/nearest.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<json> parse_value(const Parameter &parameter, const std::string &text) {
  if (parameter.kind == "string") return json(text);
  if (parameter.kind == "boolean" && (text == "true" || text == "false")) return json(text == "true");
  const char *end = text.data() + text.size();
  if (parameter.kind == "integer") {
    int64_t value = 0;
    auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end) return json(value);
  } else if (parameter.kind == "real") {
    double value = 0;
    auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end && std::isfinite(value)) return json(value);
  }
  return fail("parameter " + parameter.name + " takes " +
              (parameter.kind == "boolean" ? "true or false" : "a number of kind " + parameter.kind) + ", got '" +
              text + "'");
}

Result<void> check_space(const Parameter &parameter) {
  const json &space = parameter.space;
  if (!space.is_object()) return {};
  if (space.value("kind", "") == "range" && parameter.value.is_number()) {
    double low = space["low"], high = space["high"], value = parameter.value;
    if (value >= low && value <= high) return {};
    return fail(format("parameter %s is %g, outside of %g .. %g", parameter.name.c_str(), value, low, high));
  }
  if (space.value("kind", "") != "choice") return {};
  for (const json &choice : space["values"]) {
    if (choice == parameter.value) return {};
  }
  return fail("parameter " + parameter.name + " is " + parameter.value.dump() + ", none of " + space["values"].dump());
}

Parameter *find(std::vector<Parameter> &parameters, const std::string &name) {
  for (Parameter &parameter : parameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

Result<void> set_parameter(Settings &settings, const std::string &name, const std::string &text) {
  Parameter *parameter = find(settings.parameters, name);
  if (!parameter) {
    std::vector<std::string> names;
    for (const Parameter &known : settings.parameters) {
      if (known.runtime) names.push_back(known.name);
    }
    std::string nearest = nearest_word(name, names);
    std::string list;
    for (const std::string &known : names) list += (list.empty() ? "" : ", ") + known;
    if (names.empty()) return fail("there is no parameter " + name, "this program has no parameter that can be set");
    return fail("there is no parameter " + name,
                nearest.empty() ? "there are: " + list : "did you mean " + nearest + "?");
  }
  if (!parameter->runtime) {
    return fail("parameter " + name + " decides a shape and is fixed in this program",
                "compile with: netc -D " + name + "=" + text);
  }
  auto value = parse_value(*parameter, text);
  if (!value) return tl::unexpected(value.error());
  parameter->value = *value;
  parameter->from = "command line";
  return check_space(*parameter);
}

// Replaces every {"param": name} below `value`.
void substitute(json &value, const std::map<std::string, json> &values) {
  if (value.is_object() && value.size() == 1 && value.contains("param")) {
    if (auto found = values.find(value["param"].get<std::string>()); found != values.end()) value = found->second;
    return;
  }
  if (value.is_structured()) {
    for (json &part : value) substitute(part, values);
  }
}

// A whole number of the section `train` of the file or the checkpoint.
Setting<int64_t> whole_number(const Settings &settings, const Overrides &overrides, const char *key, int64_t fallback) {
  Setting<int64_t> setting{fallback, "default"};
  if (auto train = settings.metadata.find("train"); train != settings.metadata.end() && train->is_object()) {
    if (auto found = train->find(key); found != train->end()) {
      setting = {whole_or(&*found, fallback), "file"};
    }
  }
  if (overrides.checkpoint) {
    if (auto found = overrides.checkpoint->find(key);
        found != overrides.checkpoint->end() && found->is_number_integer()) {
      setting = {found->get<int64_t>(), "checkpoint"};
    }
  }
  return setting;
}

Setting<std::string> data_root(const Program &program, const Overrides &overrides) {
  if (!overrides.data_root.empty()) {
    std::error_code error;
    auto absolute = std::filesystem::absolute(overrides.data_root, error);  // the run may be resumed from elsewhere
    return {error ? overrides.data_root : absolute.string(), "command line"};
  }
  if (overrides.checkpoint && overrides.checkpoint->contains("data_root")) {
    return {(*overrides.checkpoint)["data_root"].get<std::string>(), "checkpoint"};
  }
  return {program.metadata().value("data_root", "."), "file"};
}

Setting<double> sample_share(const Overrides &overrides) {
  if (overrides.sample) return {*overrides.sample, "command line"};
  if (overrides.checkpoint) {
    if (auto found = overrides.checkpoint->find("sample"); found != overrides.checkpoint->end() && found->is_number())
      return {found->get<double>(), "checkpoint"};
  }
  return {1, "default"};
}

}  // namespace

Result<void> check_stored_configuration(const json &stored, const Program &program) {
  const auto damaged = [](const std::string &key, const json &value, const std::string &expected) {
    return fail("the stored configuration is not one of this program: " + key + " is " +
                    value.dump(-1, ' ', false, json::error_handler_t::replace) + ", expected " + expected,
                "use another checkpoint");
  };
  if (!stored.is_object()) return damaged("it", stored, "a JSON object");
  for (const char *key : {"program", "data_root"})
    if (stored.contains(key) && !stored[key].is_string()) return damaged(key, stored[key], "a text");
  for (const char *key : {"epochs", "batch_size", "seed", "fold"})
    if (stored.contains(key) && !stored[key].is_number_integer()) return damaged(key, stored[key], "a whole number");
  if (auto sample = stored.find("sample"); sample != stored.end())
    if (!sample->is_number() || !(*sample > 0 && *sample <= 1)) return damaged("sample", *sample, "a share");
  const json parameters = stored.value("parameters", json::object());
  if (!parameters.is_object()) return damaged("parameters", parameters, "a JSON object");
  for (const json &parameter : program.metadata()["parameters"]) {
    auto found = parameters.find(parameter["name"].get<std::string>());
    if (found == parameters.end()) continue;
    std::string kind = parameter["kind"];
    bool fits = kind == "integer"   ? found->is_number_integer()
                : kind == "real"    ? found->is_number()
                : kind == "boolean" ? found->is_boolean()
                                    : found->is_string();
    if (!fits) return damaged("parameter " + found.key(), *found, "a value of kind " + kind);
  }
  return {};
}

namespace {

bool has_folds(const json &metadata) {
  auto data = metadata.find("data");
  if (data == metadata.end() || !data->is_object()) return false;
  auto validation = data->find("validation");
  return validation != data->end() && call_name(*validation) == "k_fold";
}

}  // namespace

Result<Settings> resolve_settings(const Program &program, const Overrides &overrides) {
  Settings settings;
  settings.metadata = program.metadata();
  for (const json &value : settings.metadata["parameters"]) {
    settings.parameters.push_back({value["name"], value["kind"], value["value"], value.value("from", "file"),
                                   value.value("runtime", false), value.value("space", json())});
  }
  if (overrides.checkpoint && overrides.checkpoint->contains("parameters")) {
    for (auto &[name, value] : (*overrides.checkpoint)["parameters"].items()) {
      Parameter *parameter = find(settings.parameters, name);
      if (!parameter || !parameter->runtime || parameter->value == value) continue;
      parameter->value = value;
      parameter->from = "checkpoint";
    }
  }
  for (const auto &[name, text] : overrides.set) {
    if (auto done = set_parameter(settings, name, text); !done) return tl::unexpected(done.error());
  }
  std::map<std::string, json> values;
  for (const Parameter &parameter : settings.parameters) values[parameter.name] = parameter.value;
  for (const char *section : {"data", "train"}) {
    if (settings.metadata.contains(section)) substitute(settings.metadata[section], values);
  }
  settings.epochs = whole_number(settings, overrides, "epochs", 1);
  settings.batch_size = whole_number(settings, overrides, "batch_size", 32);
  Setting<int64_t> seed = whole_number(settings, overrides, "seed", 0);
  settings.seed = {static_cast<uint64_t>(seed.value), seed.from};
  if (overrides.epochs) settings.epochs = {*overrides.epochs, "command line"};
  if (overrides.seed) settings.seed = {*overrides.seed, "command line"};
  settings.data_root = data_root(program, overrides);
  settings.sample = sample_share(overrides);
  if (overrides.checkpoint && overrides.checkpoint->contains("fold"))
    settings.fold = (*overrides.checkpoint)["fold"].get<int64_t>();
  if (overrides.fold) {
    if (!has_folds(settings.metadata))
      return fail("--fold " + std::to_string(*overrides.fold) + " of what? The data of this program has no folds",
                  "for example: validation = k_fold(5)");
    settings.fold = *overrides.fold;
  }
  if (settings.fold > 0) settings.metadata["data"]["fold"] = settings.fold;
  settings.pause_after = overrides.pause_after;
  if (auto train = settings.metadata.find("train"); train != settings.metadata.end() && train->is_object()) {
    if (auto found = train->find("shuffle"); found != train->end()) settings.shuffle = boolean_or(&*found, true);
  }
  for (auto [name, value] :
       {std::pair{"epochs", settings.epochs.value}, std::pair{"batch_size", settings.batch_size.value}})
    if (value < 1 || value > INT32_MAX)
      return fail(format("%s is %lld, it must be from 1 to %d", name, static_cast<long long>(value), INT32_MAX));
  return settings;
}

json Settings::to_json() const {
  json values = json::object();
  for (const Parameter &parameter : parameters) values[parameter.name] = parameter.value;
  json result = {{"program", metadata["name"]},
                 {"parameters", values},
                 {"epochs", epochs.value},
                 {"batch_size", batch_size.value},
                 {"seed", static_cast<int64_t>(seed.value)}};
  if (data_root.from != "file") result["data_root"] = data_root.value;
  if (sample.value != 1) result["sample"] = sample.value;
  if (fold > 0) result["fold"] = fold;
  return result;
}

void Settings::apply(Program &program) const {
  program.set_seed(seed.value);
  program.set_scalar("epochs", static_cast<double>(epochs.value));
  for (const Parameter &parameter : parameters) {
    if (parameter.value.is_number()) program.set_scalar("param." + parameter.name, parameter.value.get<double>());
    if (parameter.value.is_boolean())
      program.set_scalar("param." + parameter.name, parameter.value.get<bool>() ? 1 : 0);
  }
}

}  // namespace netc::runtime
