// Settings: what a training is run with, and where each value came from. A value is taken from the first that has it:
// the command line, the checkpoint that is resumed or evaluated, the `.net` file.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/train/program.h"

namespace netc::runtime {

// A value with the reason for it: "file", "default", "tuned", "command line", "checkpoint".
template <typename T>
struct Setting {
  T value{};
  std::string from;
};

struct Parameter {
  std::string name;
  std::string kind;  // "integer", "real", "boolean", "string"
  nlohmann::json value;
  std::string from;
  bool runtime = false;  // --set may change it
  nlohmann::json space;
};

struct Overrides {
  std::map<std::string, std::string> set;  // --set name=value
  std::optional<int64_t> epochs;
  std::optional<uint64_t> seed;
  std::string data_root;               // --data DIR, or ""
  std::optional<int64_t> fold;         // --fold N, from 1
  std::optional<double> sample;        // --sample SHARE, in (0, 1]
  std::optional<int64_t> pause_after;  // --pause-after EPOCH
  // The configuration stored in a checkpoint, Settings::to_json(), that check_stored_configuration() has found sound.
  std::optional<nlohmann::json> checkpoint;
};

struct Settings {
  std::vector<Parameter> parameters;
  Setting<int64_t> epochs;
  Setting<int64_t> batch_size;
  Setting<uint64_t> seed;
  Setting<std::string> data_root;      // the folder that paths of data start from
  int64_t fold = 0;                    // of k_fold, from 1; 0: there are none, or it is the first
  Setting<double> sample;              // the share of the training samples that is used
  std::optional<int64_t> pause_after;  // the epoch after which the training stops for now, to be resumed; not stored
  bool shuffle = true;                 // the training samples, anew in each epoch
  nlohmann::json metadata;  // the program's, with {"param": name} replaced by the value in "data" and "train"

  nlohmann::json to_json() const;
  // Gives the program its seed and its runtime values `param.NAME`.
  void apply(Program &program) const;
};

// Whether what was stored can be taken for Settings::to_json() of a run of this program: every key has its type.
Result<void> check_stored_configuration(const nlohmann::json &stored, const Program &program);

// Errors are of usage: a name that is no parameter, a value outside of its space, a number of epochs or a batch size
// that is none.
Result<Settings> resolve_settings(const Program &program, const Overrides &overrides);

}  // namespace netc::runtime
