// What each layer of a network in training is like, on the same few samples every time: gradient and weight norms, how
// far a step moves the weights, dead units. Nothing of the training changes: the step is made on a copy of the weights.
//
// Costs one training step and the prediction of at most kDiagnosedSamples samples.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/data/batches.h"
#include "runtime/io/json_text.h"
#include "runtime/train/observe.h"

namespace netc::runtime {

struct LayerDiagnosis {
  std::string name;
  // Of a layer with weights: 2-norms of all its trained numbers together. None where no gradient can be observed.
  std::optional<double> gradient_norm, weight_norm;
  std::optional<double> update_ratio;  // |what the step adds| / |weights|; none when the step updates nothing
  // Of a layer whose output is that of a relu: neurons, or channels of an image, and how many were 0 for every sample.
  int64_t units = 0, dead = 0;
};

inline constexpr int64_t kDiagnosedSamples = 256;

class Diagnosis {
 public:
  // `training` is the training set; samples from all over it are taken, as they are.
  Diagnosis(Program &program, const Dataset &training, int64_t batch_size);
  // Whether the program tells enough of itself.
  bool possible() const { return !layers_.empty(); }
  // With the weights as they are, as in training step number `step`. In the order of the network. Errors: memory.
  // `look` is shown all that can be seen: gradients of one batch, outputs of steps for all samples, batch by batch.
  Result<std::vector<LayerDiagnosis>> run(int64_t step, const Look &look = {});

 private:
  Result<void> make_step(const Look &look);
  Result<void> watch_units(const Look &look);
  void mark_alive(const Observed &value, std::span<const float> values);
  LayerDiagnosis *layer_of(const std::string &name);
  bool is_rectified(const Observed &value) const;

  Program &program_;
  Batches batches_;
  std::vector<LayerDiagnosis> layers_;                      // names, and what the last run has found
  std::vector<std::pair<const Weight *, size_t>> weights_;  // those that are trained, each with its layer
  std::vector<std::string> rectified_;                      // layers whose output is that of a relu
  std::vector<std::vector<bool>> alive_;                    // by layer: units that were not 0
  Buffer copy_;                                             // of the weight block
};

// An array with an object for each layer: what is known of it.
void write_layers(JsonText &out, const std::vector<LayerDiagnosis> &layers);
// One line of diagnostics.jsonl for epoch number `epoch` (from 0), with its line end.
std::string diagnosis_line(const std::vector<LayerDiagnosis> &layers, size_t epoch);

}  // namespace netc::runtime
