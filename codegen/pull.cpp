// Kernels that say what one element of the result is: pooling, transpose, pad, gather. Vectors go along the last axis
// that is longer than one; the leading axes are cut into chunks.
#include <memory>

#include "codegen/lowering.h"
#include "codegen/program_builder.h"

namespace netc {

namespace {

// How the indices of a shape are visited: `leading` axes together are the units of chunks, the rest are loops.
struct Visit {
  Shape shape;
  size_t leading = 0;
  std::optional<size_t> vector_axis;
  Dim units;
};

Visit plan_visit(const Shape &shape) {
  Visit visit{shape, 0, std::nullopt, {}};
  for (size_t axis = shape.size(); axis-- > 0 && !visit.vector_axis;)
    if (!shape[axis].is_one()) visit.vector_axis = axis;
  size_t limit = visit.vector_axis.value_or(0);
  while (visit.leading < limit && !visit.units.batch && visit.units.size < 64)
    visit.units = product(std::array{visit.units, shape[visit.leading++]});
  return visit;
}

using Visitor = std::function<void(LaneBuilder &, std::span<const Index>)>;

// Visits the indices of the units [first, last).
void emit_visit(Kernel &kernel, const Visit &visit, unsigned lanes, llvm::Value *first, llvm::Value *last,
                const Visitor &visitor) {
  llvm::IRBuilder<> &ir = kernel.ir;
  auto call = [&](LaneBuilder &builder, const std::vector<LaneIndex> &point) {
    std::vector<Index> index;
    for (const LaneIndex &i : point) index.push_back(builder.make(i));
    visitor(builder, index);
  };
  std::function<void(size_t, std::vector<LaneIndex>)> nest = [&](size_t axis, std::vector<LaneIndex> point) {
    if (axis == visit.shape.size()) {
      LaneBuilder builder(kernel, 1);
      return call(builder, point);
    }
    Dim dim = visit.shape[axis];
    if (axis == visit.vector_axis && lanes > 1)
      return for_lanes(kernel, lanes, kernel.i64(0), kernel.size(dim),
                       dim.batch ? std::nullopt : std::optional(dim.size), [&](LaneBuilder &builder, LaneIndex i) {
                         std::vector<LaneIndex> inside = point;
                         inside[axis] = i.within(dim);
                         call(builder, inside);
                       });
    if (dim.is_one()) return nest(axis + 1, point);
    kernel.loop(kernel.i64(0), kernel.size(dim), 1, [&](llvm::Value *i) {
      std::vector<LaneIndex> inside = point;
      inside[axis] = LaneIndex{i, 0, 0, nullptr}.within(dim);
      nest(axis + 1, inside);
    });
  };
  std::vector<LaneIndex> point(visit.shape.size());
  if (visit.leading == 0) return nest(0, point);
  kernel.loop(first, last, 1, [&](llvm::Value *unit) {
    std::vector<LaneIndex> inside = point;
    for (size_t axis = visit.leading; axis-- > 1;) {
      llvm::Value *size = kernel.size(visit.shape[axis]);
      inside[axis] = LaneIndex{ir.CreateURem(unit, size), 0, 0, nullptr}.within(visit.shape[axis]);
      unit = ir.CreateUDiv(unit, size);
    }
    inside[0] = LaneIndex{unit, 0, 0, nullptr}.within(visit.shape[0]);
    nest(visit.leading, inside);
  });
}

LaneBuilder::Frame frame_of(const OpTask &task, std::span<const Operand> operands) {
  LaneBuilder::Frame frame;
  for (const Storage &storage : task.operands) frame.operand_types.push_back(storage.layout.type);
  for (const Storage &storage : task.results) frame.result_types.push_back(storage.layout.type);
  frame.operands = operands;
  return frame;
}

double typical(Dim dim) { return static_cast<double>(dim.size) * (dim.batch ? 32 : 1); }

// Nanoseconds of the whole kernel: every element of the operands and of the result is touched about once.
Dim touched(const OpTask &task) {
  Dim total{0, false};
  for (const auto *list : {&task.operands, &task.results})
    for (const Storage &storage : *list) {
      Dim count = stored_elements(storage.layout);
      total = {total.size + count.size, total.batch || count.batch};
    }
  return total;
}

}  // namespace

Lowering lower_pull(const OpTask &task) {
  auto visit = std::make_shared<Visit>(plan_visit(task.results[0].layout.type.shape));
  double each = 2.0 / task.target->vector_floats;
  Stage stage;
  Dim work = touched(task);
  set_cost(stage, work, each);
  stage.units = visit->units;
  stage.units_per_chunk = units_per_chunk(stage.units, typical(work) * each / typical(visit->units));
  stage.emit = [&task, visit, units = stage.units, per_chunk = stage.units_per_chunk](Kernel &kernel) {
    std::vector<Operand> operands;
    for (const Storage &storage : task.operands) operands.push_back(kernel.operand(storage));
    Address result = kernel.address(task.results[0]);
    auto [first, last] = kernel.chunk_range(units, per_chunk);
    const Op &op = task.body.ops[0];
    unsigned lanes = visit->vector_axis ? lanes_for(task.body, kernel.target) : 1;
    emit_visit(kernel, *visit, lanes, first, last, [&](LaneBuilder &builder, std::span<const Index> index) {
      builder.frame = frame_of(task, operands);
      Scalar value = op.def->pull(builder, op, index);
      builder.store_element(result.base, result.dtype, builder.offset_of(strides_of(result), index), value);
    });
  };
  return {{std::move(stage)}};
}

namespace {

// Windows that lie side by side and cover the image: each element of the result is accumulated exactly once, so that it
// needs no zero before.
bool windows_tile_result(const OpTask &task) {
  return task.results[0].layout.halo.empty() && find_window(task.body.ops[0], task.body);
}

// The shape that a push kernel runs over: every index of operand 0.
void emit_push(Kernel &kernel, const OpTask &task, const Visit &visit, unsigned lanes, llvm::Value *first,
               llvm::Value *last, LaneBuilder::Frame &found) {
  std::vector<Operand> operands;
  for (const Storage &storage : task.operands) operands.push_back(kernel.operand(storage));
  Address result = kernel.address(task.results[0]);
  const Op &op = task.body.ops[0];
  emit_visit(kernel, visit, lanes, first, last, [&](LaneBuilder &builder, std::span<const Index> index) {
    builder.frame = frame_of(task, operands);
    builder.frame.accumulator = &result;
    builder.frame.stores_once = windows_tile_result(task);
    builder.frame.first_axis = index[0];
    op.def->push(builder, op, index);
    found.keeps_first_axis = found.keeps_first_axis && builder.frame.keeps_first_axis;
    found.distinct_lanes = found.distinct_lanes && builder.frame.distinct_lanes;
  });
}

// Zeroes the stored part, halo included, of the result's indices [first, last) of axis 0.
void emit_zero(Kernel &kernel, const Storage &storage, llvm::Value *first, llvm::Value *last) {
  llvm::IRBuilder<> &ir = kernel.ir;
  Address address = kernel.address(storage);
  int64_t size = static_cast<int64_t>(byte_size(address.dtype));
  llvm::Value *stride = kernel.i64(size);
  if (!address.shape.empty()) stride = ir.CreateNSWMul(kernel.size(strides_of(address)[0]), stride);
  int64_t before = address.halo.empty()
                       ? 0
                       : (address.halo.top * address.strides[1] + address.halo.left * address.strides[2]) * size;
  llvm::Value *start =
      ir.CreateGEP(ir.getInt8Ty(), address.base, ir.CreateNSWSub(ir.CreateNSWMul(first, stride), kernel.i64(before)));
  ir.CreateMemSet(start, ir.getInt8(0), ir.CreateNSWMul(ir.CreateNSWSub(last, first), stride),
                  llvm::MaybeAlign(static_cast<uint64_t>(size)));
}

}  // namespace

Lowering lower_push(const OpTask &task) {
  const Shape &shape = task.operands[0].layout.type.shape;
  const Shape &result_shape = task.results[0].layout.type.shape;
  auto visit = std::make_shared<Visit>(plan_visit(shape));
  visit->leading = shape.empty() || visit->vector_axis == 0 ? 0 : 1;
  visit->units = visit->leading == 1 ? shape[0] : Dim{};
  unsigned lanes = visit->vector_axis ? lanes_for(task.body, *task.target) : 1;
  // A trial finds out whether samples are independent and whether lanes may be stored together.
  LaneBuilder::Frame found;
  {
    Kernel trial(*task.program, *task.target, "trial", {});
    emit_push(trial, task, *visit, lanes, trial.i64(0), trial.size(visit->units), found);
    trial.finish()->eraseFromParent();
  }
  if (!found.distinct_lanes) lanes = 1;
  bool parallel = visit->leading == 1 && found.keeps_first_axis && shape[0] == result_shape[0];
  double each = lanes > 1 ? 4.0 / lanes : 2.0;
  Stage stage;
  Dim work = touched(task);
  set_cost(stage, work, each);
  if (parallel) {
    stage.units = visit->units;
    stage.units_per_chunk = units_per_chunk(stage.units, typical(work) * each / typical(visit->units));
  }
  stage.emit = [&task, visit, lanes, parallel, units = stage.units, per_chunk = stage.units_per_chunk](Kernel &kernel) {
    LaneBuilder::Frame ignored;
    if (parallel) {
      auto [first, last] = kernel.chunk_range(units, per_chunk);
      if (!windows_tile_result(task)) emit_zero(kernel, task.results[0], first, last);
      return emit_push(kernel, task, *visit, lanes, first, last, ignored);
    }
    const Shape &shape = task.results[0].layout.type.shape;
    if (!windows_tile_result(task))
      emit_zero(kernel, task.results[0], kernel.i64(0), shape.empty() ? kernel.i64(1) : kernel.size(shape[0]));
    emit_push(kernel, task, *visit, lanes, kernel.i64(0), kernel.size(visit->units), ignored);
  };
  return {{std::move(stage)}};
}

Lowering lower_orthogonal(const OpTask &task) {
  Stage stage;
  stage.fixed_nanoseconds = 1e6;
  stage.emit = [&task](Kernel &kernel) {
    llvm::IRBuilder<> &ir = kernel.ir;
    Address result = kernel.address(task.results[0]);
    const Shape &shape = result.shape;
    int64_t columns = shape.back().size, rows = 1;
    for (size_t axis = 0; axis + 1 < shape.size(); ++axis) rows *= shape[axis].size;
    llvm::Type *i64 = ir.getInt64Ty();
    auto *type = llvm::FunctionType::get(ir.getVoidTy(), {ir.getPtrTy(), i64, i64, i64, i64, i64}, false);
    auto callee = task.program->module().getOrInsertFunction("nc_orthogonal", type);
    int64_t stream = task.body.ops[0].get<int64_t>("stream");
    ir.CreateCall(
        callee, {result.base, kernel.i64(rows), kernel.i64(columns), kernel.seed(), kernel.i64(stream), kernel.step()});
  };
  return {{std::move(stage)}};
}

Stage zero_halo(const Storage &result) {
  Stage stage;
  stage.suffix = "halo";
  stage.units = result.layout.type.shape[0];
  const Halo halo = result.layout.halo;
  std::vector<int64_t> strides;
  for (Dim stride : strides_of(result.layout)) strides.push_back(stride.size);
  int64_t height = result.layout.type.shape[1].size, width = result.layout.type.shape[2].size;
  int64_t border = strides[0] - height * width * strides[2];
  // Pieces at the ends of rows, far apart.
  double each = 0.2 * static_cast<double>(border) + 5 * static_cast<double>(height);
  set_cost(stage, stage.units, each);
  stage.units_per_chunk = units_per_chunk(stage.units, each);
  stage.emit = [result, halo, strides, height, width, units = stage.units,
                per_chunk = stage.units_per_chunk](Kernel &kernel) {
    llvm::IRBuilder<> &ir = kernel.ir;
    Address address = kernel.address(result);
    int64_t size = static_cast<int64_t>(byte_size(address.dtype)), row = strides[1] * size, pixel = strides[2] * size;
    auto zero = [&](llvm::Value *sample, int64_t offset, int64_t bytes) {
      if (bytes == 0) return;
      llvm::Value *start = ir.CreateGEP(ir.getInt8Ty(), sample, kernel.i64(offset));
      ir.CreateMemSet(start, ir.getInt8(0), kernel.i64(bytes), llvm::MaybeAlign(static_cast<uint64_t>(size)));
    };
    auto [first, last] = kernel.chunk_range(units, per_chunk);
    kernel.loop(first, last, 1, [&](llvm::Value *sample_number) {
      llvm::Value *sample =
          ir.CreateGEP(ir.getInt8Ty(), address.base, ir.CreateNSWMul(sample_number, kernel.i64(strides[0] * size)));
      int64_t side = (halo.left + halo.right) * pixel;
      zero(sample, -(halo.top * row + halo.left * pixel), halo.top * row + halo.left * pixel);
      // The right edge of a row and the left edge of the next one touch.
      kernel.loop(kernel.i64(0), kernel.i64(height - 1), 1, [&](llvm::Value *y) {
        zero(ir.CreateGEP(ir.getInt8Ty(), sample, ir.CreateNSWMul(y, kernel.i64(row))), width * pixel, side);
      });
      zero(sample, (height - 1) * row + width * pixel, halo.right * pixel + halo.bottom * row);
    });
  };
  return stage;
}

}  // namespace netc
