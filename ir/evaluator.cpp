#include "ir/evaluator.h"

#include "fmt/format.h"
#include "ir/op.h"
#include "ir/rewrite.h"

namespace netc {
namespace {

Result<void> check_fits(std::string_view what, std::string_view name, const Tensor &tensor, const Type &type,
                        int64_t batch) {
  if (tensor.sizes == sizes_at(type.shape, batch) && static_cast<int64_t>(tensor.data.size()) == tensor.count())
    return {};
  return fail(fmt::format("{} {} should be {} with B = {}, got [{}]", what, name, to_string(type), batch,
                          fmt::join(tensor.sizes, ", ")));
}

// What the environment must hold for this op.
Result<void> check_provided(const Op &op, const Function &function, const Environment &environment) {
  if (op.def->name == "read") {
    const auto &name = op.get<std::string>("weight");
    auto found = environment.weights.find(name);
    if (found == environment.weights.end()) return fail(fmt::format("the weight {} has no value", name));
    return check_fits("the weight", name, found->second, function.type(op.results[0]), environment.batch);
  }
  if (op.def->name == "runtime_value") {
    const auto &name = op.get<std::string>("name");
    if (!environment.runtime_values.count(name)) return fail(fmt::format("the runtime value {} is not given", name));
  }
  return {};
}

// The values of one function while it runs; each is dropped after its last use.
class Run {
 public:
  Run(const Function &function, Environment &environment)
      : function_(function), environment_(environment), values_(function.values.size()), uses_(use_counts(function)) {}

  Result<std::vector<Tensor>> operator()(const std::vector<const Tensor *> &inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) values_[function_.arguments[i]] = *inputs[i];
    for (const Op &op : function_.ops)
      if (auto done = step(op); !done) return tl::unexpected(done.error());
    std::vector<Tensor> results;
    for (ValueId result : function_.results) results.push_back(values_[result]);
    for (auto &[name, tensor] : written_) environment_.weights[name] = std::move(tensor);
    return results;
  }

 private:
  Result<void> step(const Op &op) {
    std::vector<const Tensor *> operands;
    for (ValueId operand : op.operands) operands.push_back(&values_[operand]);
    std::vector<Tensor> results;
    if (op.body) {
      auto outcome = Run(*op.body, environment_)(operands);
      if (!outcome) return tl::unexpected(outcome.error());
      results = std::move(*outcome);
    } else {
      if (!op.def->evaluate)
        return fail(fmt::format("{} cannot be evaluated: a pass must replace it first", op.def->name));
      if (auto good = check_provided(op, function_, environment_); !good) return good;
      for (ValueId result : op.results) {
        const Type &type = function_.type(result);
        results.push_back(Tensor::zeros(type.dtype, sizes_at(type.shape, environment_.batch)));
      }
      EvaluateContext context{
          op,           operands, results, environment_.batch, environment_.seed, environment_.step, function_.mode,
          &environment_};
      op.def->evaluate(context);
    }
    if (op.def->name == "write") written_.emplace_back(op.get<std::string>("weight"), *operands[0]);
    for (size_t i = 0; i < results.size(); ++i) values_[op.results[i]] = std::move(results[i]);
    for (ValueId operand : op.operands)
      if (--uses_[operand] == 0) values_[operand] = {};
    return {};
  }

  const Function &function_;
  Environment &environment_;
  std::vector<Tensor> values_;
  std::vector<uint32_t> uses_;
  std::vector<std::pair<std::string, Tensor>> written_;
};

}  // namespace

Result<std::vector<Tensor>> evaluate(const Module &, const Function &function, const std::vector<Tensor> &inputs,
                                     Environment &environment) {
  if (inputs.size() != function.arguments.size())
    return fail(fmt::format("{} takes {} inputs, got {}", function.name, function.arguments.size(), inputs.size()));
  std::vector<const Tensor *> pointers;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value &argument = function.value(function.arguments[i]);
    if (auto fits = check_fits("the input", argument.name, inputs[i], argument.type, environment.batch); !fits)
      return tl::unexpected(fits.error());
    pointers.push_back(&inputs[i]);
  }
  return Run(function, environment)(pointers);
}

}  // namespace netc
