#include "tools/netc/compare/difference.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "runtime/cli/text.h"
#include "runtime/train/values.h"

namespace netc::compare {
namespace {

using nlohmann::json;

std::vector<std::string> lines_of(const std::string &text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

// The names of what was measured, in the order of the first run that has them.
std::vector<std::string> measured(const std::vector<Run> &runs) {
  std::vector<std::string> names;
  for (const Run &run : runs) {
    for (const auto &[name, value] : run.history[0].items()) {
      bool other = name == "epoch" || name == "seconds" || name == "samples_per_second" || name.ends_with("penalty") ||
                   name == "learning_rate";
      if (!other && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::stable_sort(names.begin(), names.end(),
                   [](const auto &a, const auto &b) { return a.starts_with("val_") > b.starts_with("val_"); });
  return names;
}

bool more_is_better(const std::vector<Run> &runs, std::string name) {
  if (name.starts_with("val_")) name.erase(0, 4);
  for (const Run &run : runs) {
    for (const json &better :
         run.result.is_object() ? run.result.value("higher_is_better", json::array()) : json::array())
      if (better == name) return true;
  }
  return false;
}

Row number_row(const std::string &name, const std::vector<double> &values, bool more_is_better) {
  Row row{name, {}, -1};
  for (size_t i = 0; i < values.size(); ++i) {
    row.cells.push_back(std::isnan(values[i]) ? "-" : runtime::short_number(values[i]));
    if (std::isnan(values[i])) continue;
    double best = row.best < 0 ? NAN : values[static_cast<size_t>(row.best)];
    if (row.best < 0 || (more_is_better ? values[i] > best : values[i] < best)) row.best = static_cast<int>(i);
  }
  // The best of equal ones is none.
  for (size_t i = 0; row.best >= 0 && i < values.size(); ++i) {
    if (static_cast<int>(i) != row.best && values[i] == values[static_cast<size_t>(row.best)]) row.best = -1;
  }
  return row;
}

double test_value(const Run &run, const std::string &name) {
  if (!run.result.is_object() || !run.result.contains("test") || !run.result["test"].contains(name)) return NAN;
  return runtime::number_from_json(run.result["test"][name]);
}

}  // namespace

std::vector<Row> configuration_differences(const std::vector<Run> &runs) {
  std::vector<Row> rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const auto &[name, value] : runs[i].configuration) {
      Row *row = nullptr;
      for (Row &known : rows) row = known.name == name ? &known : row;
      if (!row) row = &rows.emplace_back(Row{name, std::vector<std::string>(runs.size(), "-"), -1});
      row->cells[i] = value;
    }
  }
  std::erase_if(rows,
                [](const Row &row) { return std::set<std::string>(row.cells.begin(), row.cells.end()).size() == 1; });
  return rows;
}

std::vector<Row> figures(const std::vector<Run> &runs) {
  Row status{"status", {}, -1}, epochs{"epochs trained", {}, -1}, best{"best epoch", {}, -1}, time{"time", {}, -1};
  for (const Run &run : runs) {
    double seconds = 0;
    for (const json &line : run.history) seconds += line.value("seconds", 0.0);
    status.cells.push_back(run.status());
    epochs.cells.push_back(std::to_string(run.history.size()));
    best.cells.push_back(std::to_string(run.best_epoch()));
    time.cells.push_back(runtime::duration_text(seconds));
  }
  std::vector<Row> rows = {status, epochs, best, time};
  auto add = [&](const std::string &name, const std::string &measured, auto value_of) {
    std::vector<double> values;
    for (const Run &run : runs) values.push_back(value_of(run));
    if (!std::all_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }))
      rows.push_back(number_row(name, values, more_is_better(runs, measured)));
  };
  for (const std::string &name : measured(runs)) {
    add(name + ", best epoch", name, [&](const Run &run) { return run.value(name, run.best_epoch()); });
    add(name + ", last epoch", name, [&](const Run &run) { return run.value(name, run.history.size()); });
  }
  for (const std::string &name : measured(runs))
    add("test " + name, name, [&](const Run &run) { return test_value(run, name); });
  return rows;
}

std::vector<SourceLine> source_difference(const std::string &first, const std::string &second) {
  std::vector<std::string> a = lines_of(first), b = lines_of(second);
  // common[i][k]: the length of the longest common subsequence of a[i..] and b[k..].
  std::vector<std::vector<int>> common(a.size() + 1, std::vector<int>(b.size() + 1));
  for (size_t i = a.size(); i-- > 0;) {
    for (size_t k = b.size(); k-- > 0;)
      common[i][k] = a[i] == b[k] ? common[i + 1][k + 1] + 1 : std::max(common[i + 1][k], common[i][k + 1]);
  }
  std::vector<SourceLine> lines;
  size_t i = 0, k = 0;
  while (i < a.size() || k < b.size()) {
    if (i < a.size() && k < b.size() && a[i] == b[k]) {
      lines.push_back({' ', a[i++]});
      ++k;
    } else if (i < a.size() && (k == b.size() || common[i + 1][k] >= common[i][k + 1])) {
      lines.push_back({'-', a[i++]});
    } else {
      lines.push_back({'+', b[k++]});
    }
  }
  return lines;
}

}  // namespace netc::compare
