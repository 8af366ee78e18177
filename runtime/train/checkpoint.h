// Checkpoints of a program: its weights by name and, in the table of strings, what is needed to use or to continue it.
//
//   netc.program       the name of the program
//   netc.config        Settings::to_json(), as text
//   netc.preparation   what was learnt from the training data (runtime/data/dataset.h), as text
//   netc.state         TrainingState (runtime/train/state.h), as text; only in checkpoints that can be resumed
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "runtime/data/dataset.h"
#include "runtime/io/safetensors.h"
#include "runtime/train/program.h"

namespace netc::runtime {

using Strings = std::map<std::string, std::string>;

// Writes the weights that lie in `block`, laid out as the program's weight block. Replaces the file at `path` or leaves
// it as it is. `with_optimizer` adds the optimizer's state.
Result<void> save_weights(const Program &program, const char *block, const std::string &path, bool with_optimizer,
                          const Strings &strings);

struct Loaded {
  int64_t weights = 0;                 // taken from the file
  std::vector<std::string> missing;    // weights of the program that the file does not have
  std::vector<std::string> different;  // that have another shape or type there: "head.kernel is f32[8, 5] there, ..."
  std::vector<std::string> unused;     // tensors of the file that the program does not have, states of optimizers aside
  bool complete() const { return missing.empty() && different.empty(); }
};
// Copies tensors into the weights of the same name, shape and type. Other weights keep their values.
Loaded load_weights(Program &program, const Safetensors &file, bool with_optimizer);
// As above, and every weight must be there. On errors the weights are of no use.
Result<void> load_all_weights(Program &program, const Safetensors &file, const std::string &path, bool with_optimizer);

// What a checkpoint stores beside its weights.
struct Stored {
  nlohmann::json config;
  Preparation preparation;
  std::optional<nlohmann::json> state;  // only in checkpoints that can be resumed
};
// An error when the file, which was read from `path`, is no checkpoint of a program or the entries are damaged.
Result<Stored> stored_in(const Safetensors &file, const std::string &path, const Program &program);

}  // namespace netc::runtime
