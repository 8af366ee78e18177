// Replaces composite ops (softmax, batch_norm, dropout, reduce_mean ...) by the ops their definition names.
//
// Why: codegen has kernels for the rest only, and fusion sees what a composite does.
// Before: no `gradient` op is left. After: no op of class composite.
#include <algorithm>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

bool is_composite(const Op &op) { return op.def->op_class == OpClass::composite && op.def->decompose != nullptr; }

// One level: what a decomposition emits may be composite again.
Function decompose_once(const Module &module, const Function &function) {
  Rewriter rewriter(module, function);
  for (const Op &op : function.ops) {
    if (!is_composite(op)) {
      rewriter.copy(op);
      continue;
    }
    rewriter.builder().set_location(op.location);
    replace_results(rewriter, op, op.def->decompose(rewriter.builder(), rewriter.mapped(op), function.mode));
  }
  return rewriter.finish();
}

}  // namespace

void decompose_composites(Module &module) {
  for (Function &function : module.functions)
    while (std::any_of(function.ops.begin(), function.ops.end(), is_composite))
      function = decompose_once(module, function);
}

}  // namespace netc
