// pivot(x, guess) is the guess where x is made of values that a batch norm has normalised.
//
// Why: behind a batch norm values are of the order of their deviation, so the moving mean, even while it is still zero,
// is as good a pivot as one of the values. Unlike that one it is there before x, so that the sums over x can be taken
// where x is made. Of a network's inputs nothing is known: years, say, are far from zero and close to each other.
// Before: `batch_norm` and `pivot` are not yet decomposed.
#include <algorithm>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {

void choose_pivots(Module &module) {
  for (Function &function : module.functions) {
    std::vector<bool> normalised = find_weight_only(function);
    Rewriter rewriter(module, function);
    for (const Op &op : function.ops) {
      bool all = !op.operands.empty() && std::ranges::all_of(op.operands, [&](ValueId v) { return normalised[v]; });
      for (ValueId result : op.results) normalised[result] = normalised[result] || all || op.def->name == "batch_norm";
      if (op.def->name == "pivot" && normalised[op.operands[0]])
        rewriter.replace(op.results[0], rewriter.map(op.operands[1]));
      else
        rewriter.copy(op);
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
