// The functions of the module (docs/metadata.md): each elaborates the network's body once and adds what its kind needs.
#pragma once

#include <string>
#include <vector>

#include "frontend/elaborate/declarations.h"

namespace netc::elaborate {

struct OutputInfo {
  std::string name;
  bool is_class = false;
  int64_t classes = 0;
  Type type;    // of the network's output
  Type target;  // of what it is compared with
};

struct LossInfo {
  CallablePtr block;
  std::string activation = "none";  // what turns the network's output into what `predict` gives
  Span span;
};

struct MetricInfo {
  std::string name;
  CallablePtr block;
  const ast::BlockDecl *value = nullptr;  // the block NAME_value, or null: a mean of per-sample values
  bool library = false;                   // `value` is of the standard library
  bool higher_is_better = true;
  int64_t accumulators = 0;
  size_t output = 0;
  Span span;
};

struct Functions {
  std::vector<OutputInfo> outputs;
  std::vector<Type> inputs;
  std::vector<LossInfo> losses;  // one for each output; empty without a train section
  std::vector<MetricInfo> metrics;
  bool mixes = false;  // samples of training are blended in pairs: augment = [mixup(0.2)]
};

// Adds every function to session.module. Problems are reported; the module is whole only when there were none.
Functions build_functions(Session &session, const Declarations &declarations);

// The value of an argument of a callable: given, or its default; nothing when the block has no such parameter.
std::optional<Datum> argument_of(Interpreter &interpreter, const Callable &callable, const std::string &name);
// The entry of a section, or null.
const ast::Entry *find_entry(const ast::Section *section, const std::string &key);

}  // namespace netc::elaborate
