// What an inference function computes from weights alone, a kernel with its batch norm folded in for example, moves
// into the function `prepare`, which writes it to weights of its own ("prepared.0"); the inference functions read
// those.
//
// Why: it is the same in every call until the weights change, and for one sample it costs as much as the rest. After:
// `prepare` must run before an inference function whenever weights have changed (the runtime sees to it). Values that
// several functions ask for are prepared once. Reads, constants and views of them stay where they are: they cost
// nothing. Before: composites are decomposed; dead ops may remain.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "passes/analysis.h"
#include "passes/op_key.h"
#include "passes/transforms.h"

namespace netc {
namespace {

class WeightPreparer {
 public:
  explicit WeightPreparer(Module &module) : module_(module), builder_(&module, "prepare", Mode::inference) {}

  void run() {
    for (Function &function : module_.functions)
      if (function.mode == Mode::inference && !writes(function)) function = reading_prepared(function);
    if (!weights_.empty() || multiplies()) module_.functions.push_back(builder_.finish({}, {}));
  }

 private:
  // Code generation may prepare kernels of convolutions and weights of products, beyond what is said in the graph.
  bool multiplies() const {
    auto is_product = [](const Op &op) { return op.def->name == "conv2d" || op.def->name == "matmul"; };
    return std::ranges::any_of(module_.functions, [&](const Function &function) {
      return function.mode == Mode::inference && std::ranges::any_of(function.ops, is_product);
    });
  }

  static bool writes(const Function &function) {
    return std::any_of(function.ops.begin(), function.ops.end(), [](const Op &op) { return has_effect(op); });
  }

  Function reading_prepared(const Function &function) {
    std::vector<bool> weight_only = find_weight_only(function);
    std::vector<bool> costs(function.values.size(), false);  // computed from weights, not only read
    for (const Op &op : function.ops)
      for (ValueId result : op.results) {
        bool computed = op.def->op_class != OpClass::state && op.def->op_class != OpClass::view;
        for (ValueId operand : op.operands) computed = computed || costs[operand];
        costs[result] = weight_only[result] && computed;
      }
    std::map<ValueId, ValueId> prepared;  // values of this function as values of `prepare`
    Rewriter rewriter(module_, function);
    auto read_prepared = [&](ValueId value) {
      if (!costs[value] || rewriter.map(value) != kNoValue) return;
      const std::string &weight = prepare(function, value, prepared);
      rewriter.replace(value, rewriter.builder().emit("read", {}, {{"weight", weight}}));
    };
    for (const Op &op : function.ops) {
      if (!op.results.empty() && costs[op.results[0]]) continue;
      rewriter.builder().set_location(op.location);
      for (ValueId operand : op.operands) read_prepared(operand);
      rewriter.copy(op);
    }
    for (ValueId result : function.results) read_prepared(result);
    return rewriter.finish();
  }

  // The weight that `value` is prepared in.
  const std::string &prepare(const Function &function, ValueId value, std::map<ValueId, ValueId> &prepared) {
    ValueId inside = copy(function, value, defining_ops(function), prepared);
    auto [weight, added] = weights_.try_emplace(inside);
    if (added) {
      weight->second = fmt::format("prepared.{}", weights_.size() - 1);
      module_.weights.push_back({weight->second, builder_.type(inside), false, 0, builder_.location()});
      builder_.emit("write", {inside}, {{"weight", weight->second}});
    }
    return weight->second;
  }

  // Appends what computes `value` to `prepare`, unless it is there already.
  ValueId copy(const Function &function, ValueId value, const std::vector<uint32_t> &definitions,
               std::map<ValueId, ValueId> &prepared) {
    if (auto found = prepared.find(value); found != prepared.end()) return found->second;
    const Op &op = function.ops[definitions[value]];
    std::vector<ValueId> operands;
    for (ValueId operand : op.operands) operands.push_back(copy(function, operand, definitions, prepared));
    auto [same, added] = seen_.try_emplace(op_key(op, operands));
    if (added) same->second = builder_.clone(op, function, operands);
    for (size_t i = 0; i < op.results.size(); ++i) prepared[op.results[i]] = same->second[i];
    return prepared.at(value);
  }

  Module &module_;
  Builder builder_;
  std::map<std::string, std::vector<ValueId>> seen_;  // ops of `prepare` by their key
  std::map<ValueId, std::string> weights_;            // by the value that is written
};

}  // namespace

void prepare_weights(Module &module) { WeightPreparer(module).run(); }

}  // namespace netc
