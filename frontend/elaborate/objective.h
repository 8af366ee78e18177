// The loss and the metrics of a train section: which blocks they are, and what they add to a function.
#pragma once

#include "frontend/elaborate/functions.h"

namespace netc::elaborate {

// The losses, one for each output, and what `predict` applies to it. Without `loss =` a class output gets
// sparse_categorical_crossentropy(from_logits = true), any other mean_squared_error.
std::vector<LossInfo> find_losses(Session &session, const ast::Section &train, const std::vector<OutputInfo> &outputs,
                                  const std::vector<TensorValue> &values, const Function &predict);
// The metrics of all outputs. Without `metrics =` a class output gets its accuracy.
std::vector<MetricInfo> find_metrics(Session &session, const ast::Section &train,
                                     const std::vector<OutputInfo> &outputs);

// What `predict` gives for a network's output.
Datum apply_activation(Interpreter &interpreter, const std::string &activation, const TensorValue &output, Span span);

struct Objective {
  ValueId loss_sum = 0;            // the weighted losses of all samples, f32[]
  ValueId penalty = 0;             // regularisers, f32[]
  std::vector<ValueId> metrics;    // the accumulators of each metric, f32[k]
  std::vector<std::string> names;  // "loss_sum", "penalty", "metric.accuracy"
  std::vector<ValueId> results() const;
};
// Adds targets and sample weights as arguments, then losses, penalties and metrics of the network's `values`. With
// `mixed`, a sample has a second target with a weight of its own: its loss is the sum of both, weighted, which is that
// of the mixed target for every loss that is linear in it, such as the crossentropies.
std::optional<Objective> add_objective(Interpreter &interpreter, Functions &functions,
                                       const std::vector<TensorValue> &values, bool with_metrics, bool mixed = false);

// Adds function `metrics`: the values of the metrics from their accumulated sums.
void add_metrics_function(Session &session, const Functions &functions);

}  // namespace netc::elaborate
