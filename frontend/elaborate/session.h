// What lasts for the elaboration of one program: the names of its files, its params, its weights, and how much work was
// done.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "frontend/elaborate/datum.h"
#include "frontend/elaborate/library.h"
#include "frontend/elaborate/reporter.h"
#include "frontend/frontend.h"
#include "ir/builder.h"

namespace netc::elaborate {

// Bounds on what a file may ask for, so that any text ends in a program or a message.
inline constexpr size_t kMaxOps = 200'000;
inline constexpr int64_t kMaxIterations = 100'000;
inline constexpr int kMaxCallDepth = 100;
inline constexpr uint64_t kMaxEvaluations = 20'000'000;
inline constexpr int64_t kMaxWeightBytes = int64_t{64} << 30;
inline constexpr size_t kMaxListLength = 1'000'000;

struct ParamInfo {
  const ast::ParamDecl *declaration = nullptr;
  Datum value;
  bool fixed = false;  // decided when compiling: a shape, an attribute, a condition or a loop depends on it
  bool used = false;
  size_t order = 0;  // of the declaration among all params, imports first
};

enum class Role : uint8_t { weight, state, optimizer };
struct WeightInfo {
  std::string name;
  Type type;
  Role role = Role::weight;
  Datum initializer;  // a block of the shape, or a number
  Datum regularizer;  // a block of the weight, or none
  Datum constraint;   // a block of the weight giving the new weight, or none
  Span span;
};

struct LayerInfo {
  std::string name;  // "conv_bn.conv2d_1"
  std::string kind;  // "conv2d"
  Type output;
  double flops = 0;        // for one sample
  bool rectified = false;  // its output is that of a relu: zero where a unit is off
  Span span;
};

// What `... as name` named: the last step, and all steps of the pipeline it ends.
struct NamedStep {
  std::string path;
  std::vector<std::string> pipeline;
  Span span;
};

struct Session {
  Session(SourceMap &sources, Diagnostics &diagnostics)
      : sources(sources), reporter(diagnostics), library(sources, diagnostics) {}

  SourceMap &sources;
  Reporter reporter;
  Library library;
  std::map<std::string, const ast::BlockDecl *> blocks;  // the user's
  std::map<std::string, ParamInfo> params;
  std::map<std::string, std::vector<BoundArgument>>
      defaults;  // of a `defaults` section: arguments by the name of a block

  Module module;
  std::vector<WeightInfo> weights;  // in the order of module.weights
  std::vector<LayerInfo> layers;
  std::map<std::string, NamedStep> named;
  std::set<std::string> frozen;  // paths of steps

  // Bindings of user code, to warn of those nobody reads.
  struct Declared {
    std::string name;
    std::string what;
  };
  std::map<std::pair<FileId, uint32_t>, std::pair<Span, Declared>> declared;
  std::set<std::pair<FileId, uint32_t>> used;

  uint64_t evaluations = 0;
  int64_t iterations = 0;
  size_t ops = 0;
  bool stopped = false;  // a bound was passed: nothing more is evaluated

  const WeightInfo *find_weight(const std::string &name) const {
    for (const WeightInfo &weight : weights)
      if (weight.name == name) return &weight;
    return nullptr;
  }
};

// One function of the module while it is built.
struct FunctionBuild {
  FunctionBuild(Session &session, std::string name, Mode mode)
      : builder(&session.module, std::move(name), mode), training(mode == Mode::training) {}

  Builder builder;
  bool training;
  bool writes = false;          // `update` has an effect (train_step), or not (gradcheck)
  bool records_layers = false;  // the layers of the metadata come from one function (predict)
  std::map<std::string, ValueId> reads;
  struct Update {
    ValueId value;
    Location location;
  };
  std::map<std::string, Update> updates;  // of weights, written at the end of the function
  std::map<std::string, ValueId> runtime_values;
  // While an optimizer that accumulates gradients is called: how many steps one update takes, which is what `step`
  // counts then, and whether this step makes one: else states stay as they are.
  int64_t steps_per_update = 1;
  std::optional<ValueId> updates_now;
  std::vector<ValueId> penalties;  // scalars added to the loss: activity regularisers
  std::set<uint32_t> streams;      // random streams taken
  std::set<std::string> named_steps;
};

}  // namespace netc::elaborate
