// Measuring: sums over batches in f64, and the values of loss and metrics they become (docs/metadata.md, "Functions").
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/data/batches.h"
#include "runtime/train/program.h"

namespace netc::runtime {

// What evaluate and train_step return, added up.
struct Sums {
  double loss = 0;     // of the weighted losses of the samples
  double penalty = 0;  // of the regularisers, each batch counted by its samples
  double samples = 0;
  std::vector<std::vector<double>> metrics;

  void add(const Results &results, int64_t batch);
  nlohmann::json to_json() const;
};
Result<Sums> sums_from_json(const nlohmann::json &json);

// "loss", "penalty", then the metrics. The loss includes the penalty, as in Keras.
std::vector<std::string> measured_names(const Program &program);
// In the order of measured_names.
Result<std::vector<double>> measured_values(Program &program, const Sums &sums);

// Runs `evaluate` over an epoch of the batches. `after_batch` is told the number of batches done and returns false to
// give up: then there is no value.
Result<std::optional<std::vector<double>>> evaluate_all(Program &program, Batches &batches,
                                                        const std::function<bool(int64_t)> &after_batch = {});

}  // namespace netc::runtime
