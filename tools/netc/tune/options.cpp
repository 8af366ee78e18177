#include "tools/netc/tune/options.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

#include "runtime/train/values.h"
#include "support/diagnostics.h"
#include "tools/netc/program_call.h"

namespace netc::tune {
namespace {

using nlohmann::json;
using runtime::argument;
using runtime::name_of;

const std::vector<std::string> kMethods = {"random", "grid", "halving", "hyperband", "tpe"};

// A whole number from `least` on out of an argument of the section; the fallback when it is not given.
Result<int64_t> counted(const json *value, int64_t fallback, int64_t least, const std::string &what) {
  if (!value || value->is_null()) return fallback;
  double number = runtime::number_or(value, std::nan(""));
  if (number >= static_cast<double>(least) && number == std::floor(number) && number < 1e9)
    return static_cast<int64_t>(number);
  return fail(fmt::format("tune: {} is a whole number of at least {}, got {}", what, least, value->dump()));
}

struct Number {
  const char *name;
  int position;
  int64_t SearchSettings::*member;
  int64_t least;
};
std::vector<Number> numbers_of(Method method) {
  switch (method) {
    case Method::random:
      return {{"trials", 0, &SearchSettings::trials, 1}};
    case Method::grid:
      return {{"steps", 0, &SearchSettings::steps, 1}};
    case Method::halving:
      return {{"trials", 0, &SearchSettings::trials, 1}, {"factor", 1, &SearchSettings::factor, 2}};
    case Method::hyperband:
      return {{"factor", 0, &SearchSettings::factor, 2}, {"rounds", 1, &SearchSettings::rounds, 1}};
    case Method::tpe:
      return {{"trials", 0, &SearchSettings::trials, 1},
              {"startup", 1, &SearchSettings::startup, 1},
              {"parallel", 2, &SearchSettings::parallel, 1}};
  }
  return {};
}

Result<Method> method_of(const std::string &name) {
  auto found = std::find(kMethods.begin(), kMethods.end(), name);
  if (found == kMethods.end()) return fail("there is no search " + name, suggestion(name, kMethods));
  return static_cast<Method>(found - kMethods.begin());
}

Result<SearchSettings> search_of(const CommandLine &line, const json &section) {
  SearchSettings search;
  json call = section.value("search", json());
  if (!line.search.empty() && line.search != name_of(call)) call = {{"call", line.search}};
  if (!name_of(call).empty()) {
    auto method = method_of(name_of(call));
    if (!method) return tl::unexpected(method.error());
    search.method = *method;
  }
  if (search.method == Method::tpe) search.trials = 30;
  if (search.method == Method::halving) search.trials = 27;
  for (const Number &number : numbers_of(search.method)) {
    if (!call.is_object() || !call.contains("args")) break;
    auto value = counted(argument(call, number.name, number.position), search.*number.member, number.least,
                         std::string(method_name(search.method)) + "(" + number.name + ")");
    if (!value) return tl::unexpected(value.error());
    search.*number.member = *value;
  }
  if (line.trials) {
    if (search.method == Method::grid || search.method == Method::hyperband)
      return fail(
          fmt::format("--trials does not go with {}, which makes its own number of trials", method_name(search.method)),
          search.method == Method::grid ? "grid(steps = 4)" : "hyperband(rounds = 2)");
    search.trials = *line.trials;
  }
  std::string prune = name_of(section.value("prune", json()));
  if (!prune.empty() && prune != "median") return fail("tune: prune is median or none, got " + prune);
  search.median = prune == "median";
  bool has_own_rule = search.method == Method::halving || search.method == Method::hyperband;
  if (has_own_rule && !line.search.empty()) search.median = false;  // the file's prune is for the file's search
  if (has_own_rule && search.median)
    return fail(fmt::format("tune: {} ends trials by a rule of its own", method_name(search.method)),
                "leave out prune = median");
  return search;
}

// What a training of this program measures.
std::vector<std::string> figures(const json &metadata, bool &validation) {
  std::vector<std::string> names = {"loss"}, all;
  for (const json &metric : metadata["metrics"]) names.push_back(metric["name"]);
  validation = metadata["data"].is_object() && !metadata["data"].value("validation", json()).is_null();
  if (validation)
    for (const std::string &name : names) all.push_back("val_" + name);
  all.insert(all.end(), names.begin(), names.end());
  return all;
}

Result<Objective> objective_of(const CommandLine &line, const json &section, const json &metadata) {
  const std::string help = "objective = max(val_accuracy), or --objective 'max(val_accuracy)'";
  Objective objective;
  std::string direction, figure;
  if (!line.objective.empty()) {
    auto open = line.objective.find('(');
    if (open == std::string::npos || line.objective.back() != ')')
      return fail("--objective is max or min of a figure, got " + line.objective, help);
    direction = line.objective.substr(0, open);
    figure = line.objective.substr(open + 1, line.objective.size() - open - 2);
  } else if (section.contains("objective")) {
    direction = name_of(section["objective"]);
    const json *monitor = argument(section["objective"], "monitor", 0);
    figure = monitor ? name_of(*monitor) : "";
  }
  bool validation = false;
  std::vector<std::string> known = figures(metadata, validation);
  if (direction.empty()) {
    if (!validation)
      return fail("the file says neither what to search for nor has it validation data to choose by",
                  "validation = split(10%) in the data section; tune { objective = max(val_accuracy) }");
    bool has_metric = !metadata["metrics"].empty();
    objective.figure = has_metric ? "val_" + metadata["metrics"][0]["name"].get<std::string>() : "val_loss";
    objective.higher_is_better = has_metric && metadata["metrics"][0]["higher_is_better"].get<bool>();
    return objective;
  }
  if (direction != "max" && direction != "min") return fail("an objective is max or min, got " + direction, help);
  if (std::find(known.begin(), known.end(), figure) == known.end()) {
    if (figure.starts_with("val_") && !validation)
      return fail("there is no " + figure + " without validation data", "validation = split(10%) in the data section");
    return fail("the objective " + figure + " is not measured", suggestion(figure, known));
  }
  return Objective{figure, direction == "max"};
}

Result<double> sample_of(const CommandLine &line, const json &section) {
  std::string text = line.sample;
  double share = section.contains("sample") && !section["sample"].is_null()
                     ? runtime::number_or(&section["sample"], std::nan(""))
                     : 1;
  if (!text.empty()) {
    double scale = text.ends_with('%') ? 0.01 : 1;
    if (scale < 1) text.pop_back();
    auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), share);
    share = error == std::errc() && stop == text.data() + text.size() ? share * scale : std::nan("");
  }
  if (share > 0 && share <= 1) return share;
  return fail("a sample is a share of the training data", "sample = 20%, or --sample 20%");
}

Result<int64_t> epochs_of(const CommandLine &line, const json &section, const json &metadata) {
  if (line.epochs) return *line.epochs;
  const json &train = metadata["train"];
  const json *own = section.contains("epochs") ? &section["epochs"] : nullptr;
  if (own && !own->is_null()) return counted(own, 1, 1, "epochs");
  if (train.contains("epochs") && train["epochs"].is_object() && train["epochs"].contains("param"))
    return fail("the epochs of a training are what a search gives its trials: they cannot be a param",
                "tune { epochs = 20 }, or --epochs 20");
  return counted(train.contains("epochs") ? &train["epochs"] : nullptr, 1, 1, "epochs");
}

}  // namespace

int parse_command_line(int argc, char **argv, CommandLine &line) {
  CLI::App app{"netc tune: searches the params of a .net file that have a space for the best values", argv[0]};
  std::vector<std::string> defines;
  app.add_option("file", line.file, "the .net file")->required();
  app.add_option("--search", line.search, "random, grid, halving, hyperband or tpe (default: the file's)");
  app.add_option("--trials", line.trials, "how many trials; more than a study has extend it")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--epochs", line.epochs, "what a trial is trained for at most")->check(CLI::Range(1, 100'000'000));
  app.add_option("--sample", line.sample, "train on this share of the training data, as in 20%");
  app.add_option("--objective", line.objective, "as in 'max(val_accuracy)'");
  app.add_option("--seed", line.seed, "decides what is drawn")->check(CLI::Range(int64_t{0}, int64_t{1} << 62));
  app.add_option("--jobs", line.jobs, "trials trained at once (default: one a core); changes nothing but the time")
      ->check(CLI::Range(1, 1024));
  app.add_option("--study", line.study,
                 "the folder of the study (default: studies/NAME); a study that is there goes on where it stopped");
  app.add_flag("--continue-anyway", line.continue_anyway,
               "go on with a study although the file, the data or netc have changed since: its old trials stay");
  app.add_option("--data", line.data_root, "the folder that paths of data start from");
  app.add_option("-D,--define", defines, "give a param this value instead of searching it: -D width=64")
      ->allow_extra_args(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!read_defines(defines, line.fixed)) return 2;
  return -1;
}

Result<StudySettings> study_settings(const CommandLine &line, const json &metadata) {
  if (!metadata["train"].is_object())
    return fail("the file has no section train, so there is nothing to search for", "train NETWORK on DATA { ... }");
  const json section = metadata["tune"].is_object() ? metadata["tune"] : json::object();
  StudySettings settings{line.file, {}, {}, 1, line.fixed, metadata["parameters"]};
  auto search = search_of(line, section);
  if (!search) return tl::unexpected(search.error());
  settings.search = *search;
  auto objective = objective_of(line, section, metadata);
  if (!objective) return tl::unexpected(objective.error());
  settings.objective = *objective;
  auto sample = sample_of(line, section);
  if (!sample) return tl::unexpected(sample.error());
  settings.sample = *sample;
  auto epochs = epochs_of(line, section, metadata);
  if (!epochs) return tl::unexpected(epochs.error());
  settings.search.epochs = *epochs;
  auto seed = counted(section.contains("seed") ? &section["seed"] : nullptr, 0, 0, "seed");
  if (!seed) return tl::unexpected(seed.error());
  settings.search.seed = static_cast<uint64_t>(line.seed.value_or(*seed));
  return settings;
}

}  // namespace netc::tune
