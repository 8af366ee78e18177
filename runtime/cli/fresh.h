// A network as it is before its training, with the data to train it on: what find-lr and the checks begin with.
#pragma once

#include <string>

#include "runtime/cli/first_weights.h"
#include "runtime/cli/session.h"

namespace netc::runtime {

struct Fresh {
  Settings settings;
  DataSets data;
  FirstWeights first;
};

// Resolves the settings, reads the data and gives the weights their first values and the runtime values those of the
// first step of the training.
OrFailure<Fresh> open_fresh(Session &session, const Arguments &arguments);
// Every weight gets its first value; the settings must have been applied to the program.
OrFailure<void> start_anew(Session &session, const FirstWeights &first);

// The datasets of a training, which there must be; prints what the data warn of.
OrFailure<DataSets> load_training_data(const Session &session, const Settings &settings,
                                       std::optional<Preparation> preparation);

}  // namespace netc::runtime
