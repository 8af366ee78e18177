// Ops with the same operands and attributes become one (common subexpressions).
//
// Why: forward and backward ask for the same values, and blocks used twice repeat what depends on weights alone. Every
// op is a function of operands, attributes and the call: random numbers are keyed by their stream, and reads see the
// weight as it was before the call, so both may be shared too. Writes may not.
#include <unordered_map>

#include "passes/analysis.h"
#include "passes/op_key.h"
#include "passes/transforms.h"

namespace netc {
void share_common_ops(Module &module) {
  for (Function &function : module.functions) {
    Rewriter rewriter(module, function);
    std::unordered_map<std::string, std::vector<ValueId>> seen;
    for (const Op &op : function.ops) {
      if (has_effect(op) || op.body != nullptr) {
        rewriter.copy(op);
        continue;
      }
      std::string key = op_key(op, rewriter.map(op.operands));
      auto earlier = seen.find(key);
      if (earlier == seen.end()) {
        rewriter.copy(op);
        seen.emplace(std::move(key), rewriter.map(op.results));
      } else {
        replace_results(rewriter, op, earlier->second);
      }
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
