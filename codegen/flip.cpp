// The kernel of a convolution as that of its gradient with respect to the input: the taps in reverse, each a transposed
// matrix. Squares are turned in registers. Rows of the operand lie far apart, often a multiple of some KiB: whole cache
// lines of them are read once, ahead of time, two neighbours where there are so many, since memory is read in such
// pairs.
#include "codegen/contraction/tile.h"
#include "codegen/contraction/transpose.h"
#include "codegen/lowering.h"

namespace netc {
namespace {

constexpr int64_t kLineFloats = 16;
constexpr int64_t kSquaresAhead = 2;

struct FlipPlan {
  int64_t taps, inputs, outputs;  // of the operand: [taps, inputs, outputs]
  unsigned lanes;

  // Result rows of one unit: what one or two cache lines of the operand hold.
  int64_t rows() const { return outputs % (2 * kLineFloats) == 0 ? 2 * kLineFloats : kLineFloats; }
  int64_t units() const { return taps * (outputs / rows()); }
};

void emit_flip(Kernel &kernel, const OpTask &task, const FlipPlan &plan, Dim units, int64_t units_per_chunk) {
  llvm::IRBuilder<> &ir = kernel.ir;
  llvm::Type *element = ir.getFloatTy();
  llvm::Value *operand = kernel.operand(task.operands[0]).address.base;
  llvm::Value *result = kernel.address(task.results[0]).base;
  llvm::Value *blocks = kernel.i64(plan.outputs / plan.rows());
  auto at = [&](llvm::Value *base, llvm::Value *offset) { return ir.CreateGEP(element, base, offset); };
  llvm::Type *vector = llvm::FixedVectorType::get(element, plan.lanes);
  auto [first, last] = kernel.chunk_range(units, units_per_chunk);
  kernel.loop(first, last, 1, [&](llvm::Value *unit) {
    llvm::Value *tap = ir.CreateUDiv(unit, blocks);
    llvm::Value *row = ir.CreateMul(ir.CreateURem(unit, blocks), kernel.i64(plan.rows()));
    llvm::Value *tap_size = kernel.i64(plan.inputs * plan.outputs);
    llvm::Value *mirrored = ir.CreateSub(kernel.i64(plan.taps - 1), tap);
    llvm::Value *from = at(operand, ir.CreateAdd(ir.CreateMul(mirrored, tap_size), row));
    llvm::Value *to = at(result, ir.CreateAdd(ir.CreateMul(tap, tap_size), ir.CreateMul(row, kernel.i64(plan.inputs))));
    kernel.loop(kernel.i64(0), kernel.i64(plan.inputs), plan.lanes, [&](llvm::Value *input) {
      llvm::Value *lines = at(from, ir.CreateMul(input, kernel.i64(plan.outputs)));
      auto operand_at = [&](int64_t line, int64_t output) {
        return at(lines, kernel.i64(line * plan.outputs + output));
      };
      for (int64_t line = 0; line < plan.lanes; ++line)
        for (int64_t output = 0; output < plan.rows(); output += kLineFloats)
          contraction::prefetch_line(ir, operand_at(kSquaresAhead * plan.lanes + line, output), true);
      for (int64_t output = 0; output < plan.rows(); output += plan.lanes) {
        std::vector<llvm::Value *> square;
        for (int64_t line = 0; line < plan.lanes; ++line)
          square.push_back(ir.CreateAlignedLoad(vector, operand_at(line, output), llvm::Align(4)));
        square = contraction::transposed(ir, std::move(square));
        for (int64_t i = 0; i < plan.lanes; ++i)
          ir.CreateAlignedStore(square[static_cast<size_t>(i)],
                                at(to, ir.CreateAdd(input, kernel.i64((output + i) * plan.inputs))), llvm::Align(4));
      }
    });
  });
}

}  // namespace

Lowering lower_flip(const OpTask &task) {
  const Type &kernel = task.operands[0].layout.type;
  FlipPlan plan{kernel.shape[0].size * kernel.shape[1].size, kernel.shape[2].size, kernel.shape[3].size,
                task.target->lanes(DType::f32)};
  bool whole = plan.inputs % plan.lanes == 0 && plan.outputs % kLineFloats == 0;
  if (kernel.dtype != DType::f32 || !whole || task.operands[0].splat) return lower_pull(task);
  Stage stage;
  stage.units = {plan.units(), false};
  double each = 4.0 / task.target->vector_floats;
  stage.units_per_chunk = units_per_chunk(stage.units, each * static_cast<double>(plan.inputs * plan.rows()));
  set_cost(stage, {plan.taps * plan.inputs * plan.outputs, false}, each);
  stage.emit = [&task, plan, units = stage.units, per_chunk = stage.units_per_chunk](Kernel &kernel) {
    emit_flip(kernel, task, plan, units, per_chunk);
  };
  return {{std::move(stage)}};
}

}  // namespace netc
