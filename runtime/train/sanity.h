// Two questions to ask before a long training (Karpathy, "A recipe for training neural networks", 2019): is the loss at
// the start what chance gives, and can the network memorise a few samples?
#pragma once

#include <optional>

#include "runtime/data/load.h"
#include "runtime/train/program.h"
#include "runtime/train/settings.h"

namespace netc::runtime {

// The loss without penalties of up to 1024 samples from all over the training set, with the weights as they are, as
// `evaluate` measures it: no dropout, the statistics of batch norm as they begin. Errors: memory, data.
Result<double> initial_loss(Program &program, const Settings &settings, const DataSets &data);

struct MemoryGoal {
  int64_t samples = 64, within = 300;    // steps
  std::optional<double> accuracy, loss;  // to be reached; none of both: 0.99, or without that metric a twentieth of
                                         // the loss at the start
};
struct Memory {
  int64_t samples = 0, steps = 0;
  double first_loss = 0, loss = 0;  // without penalties, of the few samples: at the start, at the end
  std::optional<double> accuracy;   // the best seen
  MemoryGoal goal;                  // with its defaults
  bool reached = false;
};

// Trains on samples from all over the training set, as they are, and stops when the goal is reached. What counts is the
// better of inference and of the training itself: moving averages of batch norm need a while. Augmentation is off;
// dropout and regularisers are as in the file. The weights are others afterwards. Errors: memory, data; an accuracy
// that is not measured.
Result<Memory> memorise(Program &program, const Settings &settings, const DataSets &data, MemoryGoal goal);

}  // namespace netc::runtime
