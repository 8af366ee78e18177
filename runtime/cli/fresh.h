// A network as it is before its training, with the data to train it on: what find-lr and the checks begin with.
#pragma once

#include <string>

#include "runtime/cli/session.h"

namespace netc::runtime {

struct Fresh {
  Settings settings;
  DataSets data;
  std::string weights;  // the checkpoint that the file's training starts from, or ""
};

// Resolves the settings, reads the data and gives the weights their first values and the runtime values those of the
// first step of the training.
OrFailure<Fresh> open_fresh(Session &session, const Arguments &arguments);
// The same first values again.
OrFailure<void> start_anew(Session &session, const Fresh &fresh);

// The datasets of a training, which there must be; prints what the data warn of.
OrFailure<DataSets> load_training_data(const Session &session, const Settings &settings,
                                       std::optional<Preparation> preparation);
// The path in `weights = load("best.safetensors")` of the section `train`, or "".
std::string weights_of_file(const nlohmann::json &metadata);
// Takes the weights of a checkpoint by name and prints which.
OrFailure<void> take_weights(Session &session, const std::string &path);

}  // namespace netc::runtime
