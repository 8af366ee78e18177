// A training as it lies in its run directory (docs/program.md, "A run directory").
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "support/result.h"

namespace netc::compare {

struct Run {
  std::string name;                                                // the shortest end of its path that no other run has
  std::string path;                                                // as it was given
  std::string network;                                             // "image: f32[28, 28, 1] -> output: class[10]"
  std::vector<std::pair<std::string, std::string>> configuration;  // name and value
  std::string source;                                              // of the `.net` file
  std::vector<nlohmann::json> history;                             // a line an epoch, at least one
  nlohmann::json result;                                           // result.json; null: the run is not over

  std::string status() const;
  // The epoch with the best checkpoint, from 1, as far as the history tells.
  size_t best_epoch() const;
  // What was measured in an epoch (from 1); NaN when it was not.
  double value(const std::string &column, size_t epoch) const;
};

// Errors: a folder that is no run, a damaged file, a run without an epoch.
Result<Run> read_run(const std::filesystem::path &folder);
// Names the runs apart. An error when two of them are of different networks, or the same.
Result<void> check_comparable(std::vector<Run> &runs);

}  // namespace netc::compare
