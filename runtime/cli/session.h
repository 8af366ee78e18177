// What the commands of a compiled program share: the program with its threads, and the model it was trained to.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/cli/arguments.h"
#include "runtime/cli/text.h"
#include "runtime/data/load.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/program.h"
#include "runtime/train/settings.h"

namespace netc::runtime {

// An error with the exit code it leads to.
struct Failure {
  Error error;
  int code = kFailed;
};
template <typename T>
using OrFailure = tl::expected<T, Failure>;

inline tl::unexpected<Failure> failure(Error error, int code) {
  return tl::unexpected<Failure>(Failure{std::move(error), code});
}

struct Session {
  std::string call;  // how the program was called: "./digits"
  Program program;
  std::unique_ptr<ThreadPool> pool;  // stays where it is when the session moves
  Modules modules;
};

// Opens the program, takes memory for its weights and starts its threads (`--threads N`).
OrFailure<Session> open_session(const nc_program_t &source, const std::string &call, const Arguments &arguments);

// --epochs, --seed, --set, --data, --sample and --pause-after.
Result<Overrides> overrides_of(const Arguments &arguments);

// The program with what the command line sets, without memory for its weights and without threads.
struct SetProgram {
  Program program;
  Settings settings;
};
OrFailure<SetProgram> open_settings(const nc_program_t &source, const Arguments &arguments);

// The weights a command works with, and what was stored with them.
struct Model {
  std::string path;  // of the checkpoint
  Settings settings;
  Preparation preparation;
};

// Loads --weights FILE, the best checkpoint of --run DIR, or that of the newest run of this program in ./runs.
OrFailure<Model> load_model(Session &session, const Arguments &arguments);

// The datasets of a model; `train` also the training split.
OrFailure<DataSets> load_model_data(const Session &session, const Model &model, bool train);

// Runs `init`: every weight gets its first value.
OrFailure<void> initialise(Program &program);

}  // namespace netc::runtime
