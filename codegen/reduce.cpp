#include <algorithm>
#include <array>
#include <memory>

#include "codegen/reduce_plan.h"

namespace netc {

Lowering lower_reduce(const OpTask &task) {
  auto plan = std::make_shared<ReducePlan>(make_reduce_plan(task));
  const std::vector<Dim> &axes = plan->space.axes;
  double each = nanoseconds_per_element(task.body, *task.target) * static_cast<double>(plan->space.places());
  Dim all = product(axes), kept_outside;
  for (size_t axis : plan->kept) kept_outside = product(std::array{kept_outside, axes[axis]});
  std::vector<size_t> reduced = plan->reduced;
  if (plan->vector_axis && plan->vector_reduced) reduced.push_back(*plan->vector_axis);
  Lowering lowering;
  Stage stage;
  set_cost(stage, all, each);
  // The batch counts as 32 in decisions: they may not depend on the call.
  auto typical = [](Dim dim) { return static_cast<double>(dim.size) * (dim.batch ? 32 : 1); };
  bool few = !kept_outside.batch && kept_outside.size < 8;
  if (few && !reduced.empty() && !plan->kept_elements.batch && typical(all) * each > 30000) {
    plan->split = *std::ranges::max_element(reduced, {}, [&](size_t axis) { return typical(axes[axis]); });
    plan->units = axes[*plan->split];
    double unit = typical(all) / typical(plan->units) * each;
    bool of_vectors = plan->vector_reduced && *plan->split == *plan->vector_axis;
    plan->units_per_chunk = units_per_chunk(plan->units, unit * 0.5, of_vectors ? 64 : 1);
    (plan->units.batch ? lowering.scratch_batch : lowering.scratch_fixed) = partial_bytes(*plan);
  } else if (!plan->kept.empty()) {
    plan->units = axes[plan->kept[0]];
    plan->units_per_chunk = units_per_chunk(plan->units, typical(all) / typical(plan->units) * each);
  }
  stage.units = plan->units;
  stage.units_per_chunk = plan->units_per_chunk;
  stage.emit = [plan](Kernel &kernel) { emit_reduction(*plan, kernel); };
  lowering.stages.push_back(std::move(stage));
  if (plan->split) lowering.stages.push_back(combination_stage(plan));
  return lowering;
}

}  // namespace netc
