// History: what was measured in each epoch that is over. It holds nothing that differs between two runs of the same
// program, seed and data, so history.csv of a resumed run is that of an uninterrupted one, byte by byte; times go to
// history.jsonl alone.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "support/result.h"

namespace netc::runtime {

struct History {
  std::vector<std::string> columns;         // "loss", "accuracy", "val_loss", ...
  std::vector<std::vector<double>> epochs;  // a value for each column

  // The position of a column, or -1.
  int column(const std::string &name) const;
  std::string csv() const;
  nlohmann::json to_json() const;
};
Result<History> history_from_json(const nlohmann::json &json);

// One line of history.jsonl for epoch number `epoch` (from 0), with its line end.
std::string history_line(const History &history, size_t epoch, double seconds, double samples_per_second);

}  // namespace netc::runtime
