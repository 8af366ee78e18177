// Copies between two places of the same numbers in row-major order: a view or a weight that could not stay where it
// was.
#include "codegen/lowering.h"

namespace netc {

Lowering lower_copy(const OpTask &copied) {
  // A map with nothing between load and store. The side without a halo takes the shape of the other.
  auto task = std::make_shared<OpTask>(copied);
  Storage &from = task->operands[0], &to = task->results[0];
  (from.layout.halo.empty() ? from.layout.type : to.layout.type) =
      from.layout.halo.empty() ? to.layout.type : from.layout.type;
  task->body = Function{};
  task->body.values.push_back({from.layout.type});
  task->body.arguments = {0};
  task->body.results = {0};
  Lowering lowering = lower_map(*task);
  for (Stage &stage : lowering.stages)
    stage.emit = [task, emit = std::move(stage.emit)](Kernel &kernel) { emit(kernel); };
  return lowering;
}

}  // namespace netc
