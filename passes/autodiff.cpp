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

// Of a gradient that is a sum the term of the data's loss gets a name, too: that of a regulariser is a few elementwise
// ops, which become part of the optimizer's kernel, and the sum with them.
void name_data_gradient(Builder &builder, ValueId gradient, const std::string &name) {
  const std::vector<Op> &ops = builder.function().ops;
  auto maker = [&](ValueId value) {
    return std::find_if(ops.rbegin(), ops.rend(), [&](const Op &op) {
      return std::find(op.results.begin(), op.results.end(), value) != op.results.end();
    });
  };
  for (auto op = maker(gradient); op != ops.rend() && op->def->name == "add"; op = maker(op->operands[0])) {
    for (ValueId term : op->operands) {
      auto made = maker(term);
      if (made == ops.rend() || made->def->op_class == OpClass::elementwise) continue;
      builder.name(term, name);
      return;
    }
  }
}

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
      std::vector<ValueId> gradients = build_gradients(rewriter.builder(), operands.front(), wrt);
      replace_results(rewriter, op, gradients);
      for (size_t i = 0; i < gradients.size(); ++i)
        name_data_gradient(rewriter.builder(), gradients[i],
                           kDataGradientName + function.value(op.operands[i + 1]).name);
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
