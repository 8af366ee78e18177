#include "tools/netc/tune/report.h"

#include <cmath>

#include "runtime/io/file.h"
#include "runtime/page/page.h"
#include "support/utf8.h"
#include "tools/netc/tune/display.h"

namespace netc::runtime {
extern const PageTemplate tune_page;
}

namespace netc::tune {
namespace {

using nlohmann::json;

json finite_or_null(double value) { return std::isfinite(value) ? json(value) : json(); }

json dimension_json(const Dimension &dimension, const Conclusion &conclusion, size_t index) {
  json result{{"name", dimension.name},       {"file", dimension.fallback},
              {"low", dimension.low},         {"high", dimension.high},
              {"log", dimension.logarithmic}, {"whole", dimension.kind == Dimension::Kind::integer}};
  if (dimension.kind == Dimension::Kind::choice) result["choices"] = dimension.choices;
  if (!conclusion.importance.empty()) result["importance"] = conclusion.importance[index];
  return result;
}

json trial_json(const TrialView &view, const Record *record, const Search &search, const Objective &objective) {
  const Trial &trial = *view.trial;
  bool whole = trial.over || trial.reached() >= search.settings().epochs;
  json curve = json::array();
  for (double score : trial.scores) curve.push_back(finite_or_null(objective.higher_is_better ? -score : score));
  return {{"trial", view.number + 1},
          {"state", !trial.failure.empty() ? "failed"
                    : !view.ended          ? "open"
                    : whole                ? "finished"
                                           : "stopped early"},
          {"epochs", trial.reached()},
          {"figure", finite_or_null(figure_of(trial, objective))},
          {"values", trial.values},
          {"failure", trial.failure},
          {"curve", curve},
          {"seconds", record ? record->seconds : 0},
          {"edition", record ? record->edition : 0}};
}

}  // namespace

Result<void> write_report(const Study &study, const StudySettings &settings, const Tuner &tuner, const Search &search,
                          const Conclusion &conclusion) {
  json dimensions = json::array(), trials = json::array(), tests = json::array();
  for (size_t i = 0; i < search.space().dimensions.size(); ++i)
    dimensions.push_back(dimension_json(search.space().dimensions[i], conclusion, i));
  for (const TrialView &view : tuner.views())
    trials.push_back(trial_json(view, study.record(view.number), search, settings.objective));
  for (const TestResult &test : conclusion.tests) {
    json figures = json::array();
    for (const auto &[name, value] : test.figures) figures.push_back({name, finite_or_null(value)});
    tests.push_back({{"trial", test.trial + 1}, {"figures", figures}});
  }
  std::string name = as_utf8(settings.file.stem().string());
  json data{{"program", name},
            {"study", study.folder().string()},
            {"method", method_name(settings.search.method)},
            {"figure", settings.objective.figure},
            {"higher", settings.objective.higher_is_better},
            {"epochs", search.settings().epochs},
            {"sample", settings.sample},
            {"seed", search.settings().seed},
            {"complete", tuner.plan().complete},
            {"total", tuner.plan().total},
            {"edition", study.edition()},
            {"has_file", search.settings().method != Method::grid},
            {"best", conclusion.best ? json(*conclusion.best + 1) : json()},
            {"dimensions", dimensions},
            {"trials", trials},
            {"tests", tests}};
  std::string text = data.dump(-1, ' ', false, json::error_handler_t::replace);
  return runtime::write_file_atomically((study.folder() / "tune.html").string(),
                                        runtime::page_of(runtime::tune_page, name + ": search", text));
}

}  // namespace netc::tune
