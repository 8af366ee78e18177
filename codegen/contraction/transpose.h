// A panel of a transposed matrix, laid out so that a tile can read it: the columns of one panel next to each other.
#pragma once

#include <functional>
#include <vector>

#include "codegen/contraction/blocking.h"
#include "codegen/kernel_emitter.h"

namespace netc::contraction {

// `columns` columns of 16 bytes each as that many rows, one vector each, as elements fit in 16 bytes: row i holds
// element i of every column, zeros behind the last. `at`: the address of a column, aligned to its elements.
std::vector<llvm::Value *> load_turned(llvm::IRBuilder<> &ir, llvm::Type *element, unsigned lanes, int64_t columns,
                                       const std::function<llvm::Value *(int64_t column)> &at);

// The transpose of a square of as many vectors as one has lanes: one, two or four times 16 bytes.
std::vector<llvm::Value *> transposed(llvm::IRBuilder<> &ir, std::vector<llvm::Value *> rows);

// to[step * width + column - begin] = from[column * from_stride + step] for the columns in [begin, end) and all steps.
// `begin` is a multiple of `width`, itself a multiple of the vector; `columns` is the number of all columns.
struct PanelTranspose {
  DType dtype = DType::f32;
  int64_t columns = 1;
  int64_t width = 1;
  llvm::Value *begin, *end;     // i64
  llvm::Value *from, *to;       // pointers
  llvm::Value *from_stride;     // i64, in elements
  llvm::Value *steps;           // i64
  llvm::Value *last = nullptr;  // i64: of the columns that there are; those behind repeat it. null: all are there
};
void emit_transpose(KernelEmitter &emitter, const PanelTranspose &panel);

}  // namespace netc::contraction
