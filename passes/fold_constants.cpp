// Computes at compile time what depends on constants alone, with the reference evaluator.
//
// Why: schedules, epsilons and shapes leave arithmetic on numbers everywhere. Results are rounded to the dtype after
// each op, as the program would. Only small results, and splats (one number for all elements) of any size, so that the
// object stays small. Before: gradients are expanded. After: no op but views has only constants as operands, where it
// was small.
#include <algorithm>
#include <cmath>
#include <optional>

#include "ir/evaluator.h"
#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

constexpr int64_t kMostElements = 1024;

bool is_computable(const Op &op) {
  if (op.operands.empty() || op.results.size() != 1 || op.body != nullptr) return false;
  return op.def->op_class != OpClass::state && op.def->op_class != OpClass::composite && op.def->evaluate != nullptr;
}

Attributes constant_of(const Type &type, std::vector<double> values) {
  for (double &value : values) value = rounded(value, type.dtype);
  auto same = [&](double v) { return v == values.front() && std::signbit(v) == std::signbit(values.front()); };
  if (std::all_of(values.begin(), values.end(), same)) values.resize(1);
  return {{"dtype", std::string(name(type.dtype))}, {"shape", type.shape}, {"values", std::move(values)}};
}

class ConstantFolder {
 public:
  ConstantFolder(const Module &module, const Function &function)
      : module_(module), function_(function), known_(function.values.size()), rewriter_(module, function) {}

  Function run() {
    for (const Op &op : function_.ops) {
      if (op.def->name == "constant") {
        known_[op.results[0]] = op.attributes;
        rewriter_.copy(op);
        continue;
      }
      std::optional<Attributes> constant = is_computable(op) ? compute(op) : std::nullopt;
      if (!constant) {
        rewriter_.copy(op);
        continue;
      }
      rewriter_.builder().set_location(op.location);
      rewriter_.replace(op.results[0], rewriter_.builder().emit("constant", {}, *constant));
      known_[op.results[0]] = std::move(constant);
    }
    return rewriter_.finish();
  }

 private:
  const std::vector<double> &values(ValueId value) const {
    return std::get<std::vector<double>>(known_[value]->find("values")->second);
  }

  std::optional<Attributes> compute(const Op &op) const {
    bool splats = true;
    for (ValueId operand : op.operands) {
      if (!known_[operand]) return std::nullopt;
      splats = splats && values(operand).size() == 1;
    }
    const Type &type = function_.type(op.results[0]);
    Result<Dim> count = element_count(type.shape);
    if (!count || count->batch) return std::nullopt;
    if (splats && (op.def->name == "broadcast_to" || op.def->op_class == OpClass::view))
      return constant_of(type, values(op.operands[0]));
    if (splats && op.def->op_class == OpClass::elementwise) return evaluate_op(op, type, true);
    for (ValueId operand : op.operands)
      if (element_count(function_.type(operand).shape)->size > kMostElements) return std::nullopt;
    return count->size <= kMostElements ? evaluate_op(op, type, false) : std::nullopt;
  }

  // Runs a function that holds nothing but this op; `scalar`: on one element of each operand.
  std::optional<Attributes> evaluate_op(const Op &op, const Type &type, bool scalar) const {
    Builder builder(&module_, "fold", function_.mode);
    std::vector<ValueId> operands;
    for (ValueId operand : op.operands) {
      Attributes attributes = *known_[operand];
      if (scalar) attributes["shape"] = Shape{};
      operands.push_back(builder.emit("constant", {}, std::move(attributes)));
    }
    ValueId result = builder.emit(op.def->name, std::move(operands), op.attributes);
    Function function = builder.finish({result}, {"value"});
    Environment environment;
    Result<std::vector<Tensor>> results = evaluate(module_, function, {}, environment);
    if (!results) return std::nullopt;
    return constant_of(type, std::move(results->front().data));
  }

  const Module &module_;
  const Function &function_;
  std::vector<std::optional<Attributes>> known_;  // by value: the constant it is
  Rewriter rewriter_;
};

}  // namespace

void fold_constants(Module &module) {
  for (Function &function : module.functions) function = ConstantFolder(module, function).run();
}

}  // namespace netc
