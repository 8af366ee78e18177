// Compiles a module, runs its functions, and compares them with the reference evaluator.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ir/builder.h"
#include "ir/evaluator.h"
#include "ir/graph.h"
#include "test/unit/codegen/loaded_object.h"

namespace netc::test {

// Gives every value a place of its own: simple, and different from what the memory plan does.
void place_everything(Module &module);

class CompiledModule {
 public:
  // Aborts the test by an exception when the module does not compile.
  CompiledModule(const Module &module, const TargetOptions &target);
  bool has(const std::string &function) const { return module_.find_function(function) != nullptr; }
  // `environment` as for the evaluator; written weights go into it. Workspace and outputs are poisoned with NaN first.
  std::vector<Tensor> run(const std::string &function, const std::vector<Tensor> &inputs, Environment &environment);

 private:
  Module module_;
  std::vector<std::string> scalars_;
  std::vector<char> prepared_;
  std::unique_ptr<LoadedObject> object_;
};

// Numbers of a normal-like distribution, or small integers for integer types.
Tensor random_tensor(const Type &type, int64_t batch, uint64_t seed);

using Build = std::function<std::vector<ValueId>(Builder &, const std::vector<ValueId> &arguments)>;
// The same ops as one fused op of this kind.
Build fused(std::string kind, Build body);

struct Case {
  std::vector<Type> inputs;
  Build build;  // returns the results
  std::vector<int64_t> batches = {1, 3};
  double tolerance = 1e-5;                             // of the absolute or of the relative difference
  std::function<void(Function &)> adjust;              // halos, placements
  std::function<void(std::vector<Tensor> &)> prepare;  // changes the random inputs
  std::vector<TargetOptions> targets = runnable_targets();
};
// Compiles for every runnable target and compares every result with the evaluator's at every batch.
void expect_same_as_evaluator(const Case &test);

}  // namespace netc::test
