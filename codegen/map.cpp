// Elementwise kernels: a loop nest over the iteration space, vectors along the last axis.
#include <algorithm>
#include <cmath>

#include "codegen/chunks.h"
#include "codegen/lowering.h"

namespace netc {

void set_cost(Stage &stage, Dim elements, double nanoseconds_each) {
  (elements.batch ? stage.batch_nanoseconds : stage.fixed_nanoseconds) +=
      static_cast<double>(elements.size) * nanoseconds_each;
}

int64_t units_per_chunk(Dim units, double nanoseconds_per_unit, int64_t multiple) {
  constexpr double kMost = 10000, kFewest = 4000;  // nanoseconds
  double all = nanoseconds_per_unit * static_cast<double>(units.size) * (units.batch ? kTypicalBatch : 1);
  double chunk = all < 2 * kFewest ? kMost : std::clamp(all / 2, kFewest, kMost);
  return even_units(units, static_cast<int64_t>(std::ceil(chunk / std::max(nanoseconds_per_unit, 1e-3))), multiple);
}

Dim product(std::span<const Dim> dims) {
  Dim result;
  for (Dim dim : dims) result = {result.size * dim.size, result.batch || dim.batch};
  return result;
}

namespace {

struct MapEmitter {
  const OpTask &task;
  const IterationSpace &space;
  Kernel &kernel;
  std::vector<Operand> operands;
  std::vector<Address> results;

  void store(LaneBuilder &builder, BodyEvaluator &evaluator, const std::vector<LaneIndex> &point) {
    // All values before the first store: a result may lie over an operand.
    std::vector<std::vector<llvm::Value *>> values(results.size());
    for (size_t place = 0; place < space.places(); ++place)
      for (size_t n = 0; n < results.size(); ++n)
        if (place < space.places(space.results[n]))
          values[n].push_back(evaluator.at(builder, task.body.results[n], point, place));
    for (size_t n = 0; n < results.size(); ++n)
      for (size_t place = 0; place < values[n].size(); ++place)
        builder.store_element(results[n].base, results[n].dtype, space.offset(builder, space.results[n], point, place),
                              builder.make(values[n][place], results[n].dtype));
  }

  void nest(size_t axis, std::vector<LaneIndex> point, std::vector<bool> bound, BodyEvaluator evaluator,
            llvm::Value *first, llvm::Value *last) {
    LaneBuilder scalar(kernel, 1);
    evaluator.hoist(scalar, point, bound);
    if (axis == space.axes.size()) return store(scalar, evaluator, point);
    llvm::Value *begin = axis == 0 ? first : kernel.i64(0);
    llvm::Value *end = axis == 0 ? last : kernel.size(space.axes[axis]);
    if (axis + 1 < space.axes.size()) {
      bound[axis] = true;
      kernel.loop(begin, end, 1, [&](llvm::Value *i) {
        std::vector<LaneIndex> inside = point;
        inside[axis].base = i;
        nest(axis + 1, inside, bound, evaluator, first, last);
      });
      return;
    }
    std::optional<int64_t> count;
    if (auto *b = llvm::dyn_cast<llvm::ConstantInt>(begin), *e = llvm::dyn_cast<llvm::ConstantInt>(end); b && e)
      count = e->getSExtValue() - b->getSExtValue();
    unsigned lanes = lanes_for(task.body, kernel.target);
    auto emit = [&](LaneBuilder &builder, LaneIndex i) {
      std::vector<LaneIndex> inside = point;
      inside[axis] = i;
      BodyEvaluator copy = evaluator;
      store(builder, copy, inside);
    };
    bool in_blocks =
        draws_numbers(task.body) && axis > 0 && count && *count % kRandomBlock == 0 && lanes > 1 && 16 % lanes == 0;
    if (in_blocks)
      for_random_blocks(kernel, lanes, *count, emit);
    else
      for_lanes(kernel, lanes, begin, end, count, emit);
  }
};

}  // namespace

Lowering lower_map(const OpTask &task) {
  std::vector<ValueLayout> operands, results;
  for (const Storage &storage : task.operands) operands.push_back(storage.layout);
  for (const Storage &storage : task.results) results.push_back(storage.layout);
  auto space = std::make_shared<IterationSpace>(make_space(task.body, operands, results, {}, false));
  double each = nanoseconds_per_element(task.body, *task.target) * static_cast<double>(space->places());
  Stage stage;
  set_cost(stage, product(space->axes), each);
  if (!space->axes.empty()) {
    Dim inner = product(std::span(space->axes).subspan(1));
    stage.units = space->axes[0];
    double unit = each * static_cast<double>(inner.size * (inner.batch ? kTypicalBatch : 1));
    stage.units_per_chunk = units_per_chunk(stage.units, unit, space->axes.size() == 1 ? 64 : 1);
  }
  stage.emit = [&task, space, units = stage.units, per_chunk = stage.units_per_chunk](Kernel &kernel) {
    MapEmitter emitter{task, *space, kernel, {}, {}};
    for (const Storage &storage : task.operands) emitter.operands.push_back(kernel.operand(storage));
    for (const Storage &storage : task.results) emitter.results.push_back(kernel.address(storage));
    auto [first, last] = kernel.chunk_range(units, per_chunk);
    BodyEvaluator evaluator(task.body, *space, emitter.operands);
    emitter.nest(0, std::vector<LaneIndex>(space->axes.size()), std::vector<bool>(space->axes.size(), false), evaluator,
                 first, last);
  };
  return {{std::move(stage)}};
}

}  // namespace netc
