// Removes ops whose results nobody uses. Writes of weights and results of the function are what counts as used.
//
// Why: autodiff computes more than is asked for (gradients of frozen weights), and every rewriting leaves remains.
#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {

void remove_dead_ops(Module &module) {
  for (Function &function : module.functions) {
    std::vector<bool> used(function.values.size(), false);
    for (ValueId result : function.results) used[result] = true;
    std::vector<bool> keep(function.ops.size(), false);
    for (size_t i = function.ops.size(); i-- > 0;) {
      const Op &op = function.ops[i];
      keep[i] = has_effect(op);
      for (ValueId result : op.results) keep[i] = keep[i] || used[result];
      if (!keep[i]) continue;
      for (ValueId operand : op.operands) used[operand] = true;
    }
    Rewriter rewriter(module, function);
    for (size_t i = 0; i < function.ops.size(); ++i)
      if (keep[i]) rewriter.copy(function.ops[i]);
    function = rewriter.finish();
  }
}

}  // namespace netc
