#include "codegen/contraction/transpose.h"

#include "codegen/contraction/common.h"

namespace netc::contraction {

using llvm::Value;

namespace {

// Transposes a square of vectors in registers: halves, quarters, ... of the vectors change places in pairs.
void transpose_square(llvm::IRBuilder<> &ir, std::vector<Value *> &rows) {
  int lanes = static_cast<int>(rows.size());
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int i = 0; i < lanes; ++i) {
      if ((i & half) != 0) continue;
      std::vector<int> low, high;
      for (int k = 0; k < lanes; ++k) {
        low.push_back((k & half) == 0 ? k : lanes + k - half);
        high.push_back((k & half) == 0 ? k + half : lanes + k);
      }
      Value *first = ir.CreateShuffleVector(rows[i], rows[i + half], low);
      rows[i + half] = ir.CreateShuffleVector(rows[i], rows[i + half], high);
      rows[i] = first;
    }
}

}  // namespace

void emit_transpose(KernelEmitter &emitter, const PanelTranspose &panel) {
  llvm::IRBuilder<> &ir = emitter.ir();
  llvm::Type *element = element_type(emitter, panel.dtype);
  unsigned lanes = emitter.target().lanes(panel.dtype);
  llvm::Type *vector = llvm::FixedVectorType::get(element, lanes);
  llvm::Align align(panel.dtype == DType::f64 ? 8 : 4);
  Value *whole_steps = ir.CreateMul(ir.CreateSDiv(panel.steps, ir.getInt64(lanes)), ir.getInt64(lanes));

  auto source = [&](Value *column, Value *step) {
    return element_at(emitter, element, panel.from, ir.CreateAdd(ir.CreateMul(column, panel.from_stride), step));
  };
  auto destination = [&](Value *column, Value *step) {
    Value *inside = ir.CreateSub(column, panel.begin);
    return element_at(emitter, element, panel.to, ir.CreateAdd(scaled(emitter, step, panel.width), inside));
  };
  Panels squares = make_panels(panel.columns, lanes, 1);
  for_panels(emitter, squares, panel.begin, panel.end, [&](const Panel &square) {
    int64_t inside = square.tail == 0 ? lanes : square.tail;
    for_range(emitter, ir.getInt64(0), whole_steps, lanes, [&](Value *step) {
      std::vector<Value *> rows;
      for (int64_t i = 0; i < lanes; ++i) {
        Value *column = ir.CreateAdd(square.first, ir.getInt64(static_cast<uint64_t>(i)));
        rows.push_back(i < inside ? ir.CreateAlignedLoad(vector, source(column, step), align)
                                  : static_cast<Value *>(llvm::Constant::getNullValue(vector)));
      }
      transpose_square(ir, rows);
      for (int64_t i = 0; i < lanes; ++i)
        ir.CreateAlignedStore(
            rows[i], destination(square.first, ir.CreateAdd(step, ir.getInt64(static_cast<uint64_t>(i)))), align);
    });
    for_range(emitter, whole_steps, panel.steps, 1, [&](Value *step) {
      for (int64_t i = 0; i < inside; ++i) {
        Value *column = ir.CreateAdd(square.first, ir.getInt64(static_cast<uint64_t>(i)));
        ir.CreateAlignedStore(ir.CreateAlignedLoad(element, source(column, step), align), destination(column, step),
                              align);
      }
    });
  });
}

}  // namespace netc::contraction
