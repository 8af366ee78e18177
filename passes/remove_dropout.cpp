// At inference dropout(x) is x.
//
// Why: inverted scaling leaves nothing to do at inference (Srivastava et al., JMLR 2014), and without the op what
// stands around it can fuse. Before: `dropout` is not yet decomposed.
#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {

void remove_dropout(Module &module) {
  for (Function &function : module.functions) {
    if (function.mode != Mode::inference) continue;
    Rewriter rewriter(module, function);
    for (const Op &op : function.ops) {
      if (op.def->name == "dropout")
        rewriter.replace(op.results[0], rewriter.map(op.operands[0]));
      else
        rewriter.copy(op);
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
