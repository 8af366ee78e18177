#include "tools/netc/tune/space_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "passes/passes.h"
#include "tools/netc/tune/draws.h"
#include "tools/netc/tune/sampler.h"

namespace netc::tune {
namespace {

using nlohmann::json;

constexpr int64_t kShortRange = 16;
constexpr size_t kMostErrors = 4;

// The values of a dimension that are tried.
std::vector<json> tried(const Dimension &dimension) {
  if (dimension.kind == Dimension::Kind::choice) return dimension.choices;
  if (dimension.kind == Dimension::Kind::real) return {dimension.low, dimension.high};
  std::vector<json> values;
  auto low = static_cast<int64_t>(dimension.low), high = static_cast<int64_t>(dimension.high);
  int64_t step = high - low < kShortRange ? 1 : std::max<int64_t>(1, high - low);
  for (int64_t value = low; value <= high; value += step) values.emplace_back(value);
  return values;
}

std::string texts(const Values &values) {
  std::string text;
  for (const auto &[name, value] : values) text += (text.empty() ? "" : ", ") + name + " = " + value_text(value);
  return text;
}

// Where the space of a param stands; parses the files of the elaboration once more.
Span space_span(const SourceMap &sources, const std::string &name) {
  for (FileId id = 0; id < sources.size(); ++id) {
    Diagnostics ignored;
    auto file = parse_file(sources, id, ignored);
    if (!file) continue;
    for (const ast::Item &item : file->items)
      if (const auto *param = std::get_if<ast::ParamDecl>(&item.node); param && param->name.text == name)
        return param->space ? param->space->span : param->name.span;
  }
  return {};
}

class Checker {
 public:
  Checker(Configurator &configurator, const Space &space, int64_t budget)
      : configurator_(configurator), space_(space), budget_(budget) {}

  // Makes the program of the file with `changed` in place of some values; false after an error was noted.
  bool check(const Values &changed) {
    Values values = completed(changed);
    if (!seen_.insert(values).second) return true;
    bool sound = false;
    auto configuration =
        configurator_.of(values, [&](Elaborated &elaborated) { sound = look_at(elaborated, changed); });
    if (configuration)
      for (const auto &[name, value] : configuration->defines) decides_shapes.insert(name);
    return configuration && sound;
  }

  std::set<std::string> decides_shapes;  // params seen to be compiled in
  SpaceReport report;
  size_t errors = 0;

 private:
  // The values of the file, with the changed ones and what they make active.
  Values completed(const Values &changed) const {
    Values values;
    for (const Dimension &dimension : space_.dimensions) {
      if (!space_.active(dimension, values)) continue;
      auto own = changed.find(dimension.name);
      values[dimension.name] = own == changed.end() ? dimension.fallback : own->second;
    }
    return values;
  }

  bool look_at(Elaborated &elaborated, const Values &changed) {
    if (!elaborated.program) {
      refuse(elaborated, changed, fmt::format("with {} there is no program", texts(changed)));
      return false;
    }
    const json &train = (*elaborated.program->metadata)["train"];
    int64_t batch = 1;
    for (const char *key : {"batch_size", "epochs"}) {
      if (!train.is_object() || !train.contains(key)) continue;
      json value = train[key];
      if (value.is_object() && value.contains("param")) {
        std::string name = value["param"];
        auto own = changed.find(name);
        value = own == changed.end() ? space_.constants.at(name) : own->second;
        if (!value.is_number_integer() || value.get<int64_t>() < 1) {
          refuse(elaborated, changed,
                 fmt::format("{} is a whole number of at least 1, and {} can be {}", key, name, value_text(value)));
          return false;
        }
      }
      if (std::string(key) == "batch_size" && value.is_number()) batch = value.get<int64_t>();
    }
    return fits_in_memory(elaborated, changed, batch);
  }

  bool fits_in_memory(Elaborated &elaborated, const Values &changed, int64_t batch) {
    Module &module = elaborated.program->module;
    if (!run_pipeline(module, {})) return true;  // the compiler will tell
    int64_t fixed = 0, variable = 0;
    for (const MemoryReport &function : memory_report(module)) {
      if (function.function == "gradcheck") continue;
      fixed = std::max(fixed, function.fixed_bytes);
      variable = std::max(variable, function.batch_bytes);
    }
    int64_t bytes = module.weight_bytes + fixed + variable * batch;
    report.largest_bytes = std::max(report.largest_bytes, bytes);
    if (bytes <= budget_) return true;
    refuse(elaborated, changed,
           fmt::format("with {} a training takes {:.1f} GB of memory, more than the {:.1f} GB there are",
                       texts(changed), static_cast<double>(bytes) * 1e-9, static_cast<double>(budget_) * 1e-9));
    return false;
  }

  void refuse(const Elaborated &elaborated, const Values &changed, const std::string &message) {
    ++errors;
    if (errors > kMostErrors) return;
    Diagnostics diagnostics;
    Span place = changed.empty() ? Span{} : space_span(*elaborated.sources, changed.begin()->first);
    Diagnostic &error = diagnostics.error(place, message);
    for (const Diagnostic &reason : elaborated.diagnostics.all()) {
      if (reason.severity != Severity::error) continue;
      error.note(reason.span, reason.message);
      for (const Note &note : reason.notes) error.note(note.span, note.message);
      break;
    }
    error.help("make the space narrower; a search would draw such a trial sooner or later");
    report.errors += render_text(diagnostics, *elaborated.sources, false);
  }

  Configurator &configurator_;
  const Space &space_;
  int64_t budget_;
  std::set<Values> seen_;
};

// The combinations of the tried values of these dimensions, or some of them.
std::vector<Values> combinations_of(const std::vector<const Dimension *> &dimensions, size_t most) {
  std::vector<std::vector<json>> choices;
  double count = 1;
  for (const Dimension *dimension : dimensions) {
    choices.push_back(tried(*dimension));
    count *= static_cast<double>(choices.back().size());
  }
  bool all = count <= static_cast<double>(most);
  std::vector<Values> result;
  size_t corners = std::min(most, size_t{1} << std::min<size_t>(dimensions.size(), 16));
  size_t total = all ? static_cast<size_t>(count) : corners + most;
  for (size_t number = 0; number < total; ++number) {
    Values values;
    size_t left = number;
    for (size_t i = 0; i < dimensions.size(); ++i) {
      size_t size = choices[i].size(), place = 0;
      if (all) {
        place = left % size;
        left /= size;
      } else if (number < corners) {
        place = (number >> i & 1) != 0 ? size - 1 : 0;
      } else {
        double share = draw(0, Purpose::values, static_cast<uint32_t>(number), static_cast<uint32_t>(i), 0);
        place = static_cast<size_t>(share * static_cast<double>(size));
      }
      values[dimensions[i]->name] = choices[i][place];
    }
    result.push_back(std::move(values));
  }
  return result;
}

}  // namespace

SpaceReport check_space(Configurator &configurator, const Space &space, int64_t budget, size_t combinations) {
  Checker checker(configurator, space, budget);
  if (!checker.check({})) return checker.report;
  for (const Dimension &dimension : space.dimensions)
    for (const json &value : tried(dimension)) checker.check({{dimension.name, value}});
  if (checker.errors > 0) return checker.report;
  std::vector<const Dimension *> shapes;
  for (const Dimension &dimension : space.dimensions)
    if (checker.decides_shapes.count(dimension.name) != 0) shapes.push_back(&dimension);
  for (const Values &values : combinations_of(shapes, combinations)) checker.check(values);
  return checker.report;
}

}  // namespace netc::tune
