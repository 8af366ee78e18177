// Writes out what the op `gradient` stands for: the reverse sweep over the ops before it (ir/gradients.h).
//
// Why: backward ops are ops like any other, so fusion, the memory plan and codegen need to know nothing of training.
// Before: `gradient` stands only in training functions. After: no `gradient` op.
#include "ir/gradients.h"

#include <algorithm>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

bool is_gradient(const Op &op) { return op.def->name == "gradient"; }

}  // namespace

void expand_gradients(Module &module) {
  for (Function &function : module.functions) {
    if (std::none_of(function.ops.begin(), function.ops.end(), is_gradient)) continue;
    Rewriter rewriter(module, function);
    for (const Op &op : function.ops) {
      if (!is_gradient(op)) {
        rewriter.copy(op);
        continue;
      }
      rewriter.builder().set_location(op.location);
      std::vector<ValueId> operands = rewriter.map(op.operands);
      std::vector<ValueId> wrt(operands.begin() + 1, operands.end());
      replace_results(rewriter, op, build_gradients(rewriter.builder(), operands.front(), wrt));
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
