// Cross-validation: `validation = k_fold(5)` trains once for each fold, which is the validation set of that training.
//
// The run directory holds config.json with the number of folds, a run directory fold-1, fold-2, ... for each of them,
// and folds.json, the figures of each at its best epoch with their mean and standard deviation. All folds are there
// from the start, so that resuming the whole, which resumes each in turn, needs no more than the folder.
#pragma once

#include <string>

#include "runtime/abi.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/first_weights.h"
#include "runtime/train/run_directory.h"
#include "runtime/train/settings.h"

namespace netc::runtime {

// config.json of a run, and the source text that the program was made from.
Result<void> write_configuration(const RunDirectory &run, const Settings &settings, const FirstWeights &first);

inline bool holds_folds(const std::string &run) { return file_exists(run + "/fold-1/config.json"); }

// Trains all folds, each by `train_once`; returns the exit code.
int train_folds(const nc_program_t &program, const std::string &call, const Arguments &arguments,
                int (*train_once)(const nc_program_t &, const std::string &, const Arguments &));

}  // namespace netc::runtime
