#include "runtime/train/history.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/cli/text.h"
#include "runtime/io/json_text.h"
#include "runtime/train/values.h"

namespace netc::runtime {

using nlohmann::json;

int History::column(const std::string &name) const {
  auto found = std::find(columns.begin(), columns.end(), name);
  return found == columns.end() ? -1 : static_cast<int>(found - columns.begin());
}

std::string History::csv() const {
  std::string text = "epoch";
  for (const std::string &name : columns) text += "," + name;
  text += "\n";
  for (size_t epoch = 0; epoch < epochs.size(); ++epoch) {
    text += std::to_string(epoch + 1);
    for (double value : epochs[epoch]) text += std::isnan(value) ? ",nan" : format(",%.7g", value);
    text += "\n";
  }
  return text;
}

json History::to_json() const {
  json rows = json::array();
  for (const auto &epoch : epochs) {
    json row = json::array();
    for (double value : epoch) row.push_back(number_to_json(value));
    rows.push_back(std::move(row));
  }
  return {{"columns", columns}, {"epochs", std::move(rows)}};
}

Result<History> history_from_json(const json &value) try {
  History history;
  history.columns = value.at("columns").get<std::vector<std::string>>();
  for (const json &row : value.at("epochs")) {
    auto &epoch = history.epochs.emplace_back();
    for (const json &number : row) epoch.push_back(number_from_json(number));
    if (epoch.size() != history.columns.size()) return fail("the history in the checkpoint is damaged");
  }
  return history;
} catch (const json::exception &) {
  return fail("the history in the checkpoint is damaged");
}

std::string history_line(const History &history, size_t epoch, double seconds, double samples_per_second) {
  JsonText line;
  line.open('{');
  line.raw_member("epoch", std::to_string(epoch + 1));
  for (size_t i = 0; i < history.columns.size(); ++i)
    line.raw_member(history.columns[i].c_str(), number_to_json(history.epochs[epoch][i]).dump());
  line.raw_member("seconds", json(seconds).dump());
  line.raw_member("samples_per_second", json(samples_per_second).dump());
  line.close('}');
  return line.text() + "\n";
}

}  // namespace netc::runtime
