// Predictions: the results of `predict` for the samples of a dataset.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/data/batches.h"
#include "runtime/data/load.h"
#include "runtime/train/program.h"

namespace netc::runtime {

// One output of the network for one sample.
struct Prediction {
  const Field *field = nullptr;
  std::vector<double> values;  // row-major; of a class: a probability for each class
};

// Calls `each(sample, outputs)` for every sample of the dataset in order.
Result<void> predict_all(Program &program, const Interface &interface, const Dataset &dataset, int64_t batch_size,
                         const std::function<void(int64_t, const std::vector<Prediction> &)> &each);

// The classes with the highest probabilities, best first, equal ones in order.
std::vector<int64_t> top_classes(const std::vector<double> &probabilities, int64_t count);
// The name of a class: that of the data, or its number.
std::string class_name(const Schema &schema, int64_t number);

}  // namespace netc::runtime
