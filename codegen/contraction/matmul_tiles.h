// The code of a matrix product: a stretch of rows times blocks of columns, in tiles.
#pragma once

#include <optional>

#include "codegen/contraction/blocking.h"
#include "codegen/contraction/kernel_panels.h"
#include "codegen/contraction/matmul.h"

namespace netc::contraction {

// Tiles of `rows` rows; panels of columns as wide as the registers allow.
struct RowClass {
  int64_t rows;
  Panels panels;
};

struct MatmulPlan {
  Matmul matmul;
  unsigned lanes = 1;
  int64_t block = 1;  // columns of a block
  int64_t blocks = 1;
  std::vector<RowClass> classes;     // largest first; each but the first is used at most a few times a stretch
  std::vector<RowClass> single_row;  // for a batch of one, which reads B but once: panels as wide as can be
  int64_t element_bytes = 4;
  // More than 0: B is used through a copy, made on the stack for so many steps at a time, in which the vectors of a
  // panel follow one another. A block is one panel then, and all classes have the same panels.
  int64_t packed_steps = 0;
  int64_t stretch_rows = 1;  // the most rows of a chunk that meet one block
  // B is used through a copy in scratch memory, panel behind panel of all steps; all classes have the same panels.
  bool scratch_panels = false;
  // B never changes and is used through this copy, which all classes share: of panels as wide as theirs. A single row
  // reads several of them side by side.
  std::optional<KernelPanels> prepared;

  // Rows are handed out in grains: whole tiles where the number of rows is known, single rows where it is the batch.
  int64_t grain() const { return matmul.rows.batch ? 1 : classes.front().rows; }
  Dim grains() const {
    return matmul.rows.batch ? matmul.rows : Dim{(matmul.rows.size + grain() - 1) / grain(), false};
  }
};

// A chunk of the stage: some of its units, (block of columns, grain of rows) pairs, rows fastest.
void emit_stretch(KernelEmitter &emitter, const MatmulPlan &plan, const KernelStage &stage);

// Copies these steps of B to scratch memory, for plan.scratch_panels.
void emit_scratch_panels(KernelEmitter &emitter, const MatmulPlan &plan, llvm::Value *begin, llvm::Value *end);

// Where the columns are the batch: one of them, element by element.
void emit_column(KernelEmitter &emitter, const MatmulPlan &plan, llvm::Value *column);

}  // namespace netc::contraction
