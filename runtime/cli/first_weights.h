// The weights a new training starts with instead of random ones: `train --from FILE`, or
// `weights = load("pre.safetensors")` in the file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "runtime/cli/arguments.h"
#include "runtime/train/program.h"

namespace netc::runtime {

struct FirstWeights {
  std::string path;            // of a checkpoint; "": none
  bool skip_mismatch = false;  // what does not fit starts anew, rather than being an error
};

// Of the command line, else of the section `train` of `metadata`, whose paths start at the folder of the `.net` file. A
// folder of a run stands for its best checkpoint.
FirstWeights first_weights(const Arguments &arguments, const nlohmann::json &metadata);

// Takes them by name and prints which were taken and which were not. Errors: the file; weights of another shape or
// missing, unless skip_mismatch; none that fits.
Result<void> take_weights(Program &program, const FirstWeights &first);

}  // namespace netc::runtime
