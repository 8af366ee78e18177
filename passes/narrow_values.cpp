// Where the module says so (Precision::bf16), activations and their gradients that go from one fused kernel to another
// are stored as bf16: the kernel that makes one rounds it at its end, those that use it begin with a cast.
//
// Why: half the memory traffic. Inside a kernel everything stays f32, so fusion first: what never reaches memory is
// never rounded. Before: fused; `mixed-precision` has run. After: casts in the bodies of fused ops say what is rounded.
// Function results, sums, values of few elements a sample and whatever an unfused op reads stay as they are.
#include <algorithm>
#include <map>

#include "ir/emit.h"
#include "passes/activations.h"
#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

class Narrower {
 public:
  Narrower(const Module &module, const Function &function)
      : function_(function), narrow_(function.values.size(), false), rewriter_(module, function) {
    choose();
  }

  Function run() {
    for (const Op &op : function_.ops) {
      if (op.body == nullptr)
        rewriter_.copy(op);
      else
        rebuild(op);
    }
    return rewriter_.finish();
  }

 private:
  void choose() {
    std::vector<bool> activations = find_activations(function_);
    for (const Op &op : function_.ops) {
      if (op.body == nullptr) continue;
      for (size_t i = 0; i < op.results.size(); ++i)
        narrow_[op.results[i]] = activations[op.results[i]] && is_large_activation(function_.type(op.results[i])) &&
                                 !is_sum(*op.body, op.body->results[i]);
    }
    for (const Op &op : function_.ops)
      for (size_t i = 0; i < op.operands.size(); ++i)
        if (op.body == nullptr || is_contracted(*op.body, op.body->arguments[i])) narrow_[op.operands[i]] = false;
    for (ValueId result : function_.results) narrow_[result] = false;
  }

  // Reductions are the end of a kernel: nothing can follow them.
  static bool is_sum(const Function &body, ValueId result) {
    return std::ranges::any_of(
        body.ops, [&](const Op &op) { return op.def->op_class == OpClass::reduction && op.results[0] == result; });
  }

  static bool is_contracted(const Function &body, ValueId argument) {
    return std::ranges::any_of(body.ops, [&](const Op &op) {
      return op.def->op_class == OpClass::contraction && std::ranges::find(op.operands, argument) != op.operands.end();
    });
  }

  static bool is_rounding(const Op &op, ValueId value) {
    return op.def->name == "cast" && op.operands[0] == value && op.get<std::string>("dtype") == "bf16";
  }

  void rebuild(const Op &op) {
    const Function &old = *op.body;
    Builder body(nullptr, "", function_.mode);
    body.set_location(op.location);
    std::map<ValueId, ValueId> inside;  // by value of the old body
    std::map<ValueId, ValueId> given;   // by argument of the old body: the bf16 argument, cast at its first use
    for (size_t i = 0; i < op.operands.size(); ++i) {
      Type type = old.type(old.arguments[i]);
      bool narrow = narrow_[op.operands[i]];
      if (narrow) type.dtype = DType::bf16;
      (narrow ? given : inside)[old.arguments[i]] = body.argument(old.value(old.arguments[i]).name, type);
    }
    auto value = [&](ValueId id) {
      if (!inside.contains(id)) inside[id] = emit::cast(body, given.at(id), DType::f32);
      return inside.at(id);
    };
    std::map<ValueId, ValueId> stored;  // by value of the old body: what is stored for it
    for (const Op &inner : old.ops) {
      if (inner.def->op_class != OpClass::contraction)  // which stays the first
        for (const auto &[argument, narrow] : given) value(argument);
      std::vector<ValueId> operands;
      for (ValueId operand : inner.operands) operands.push_back(value(operand));
      std::vector<ValueId> results = body.clone(inner, old, std::move(operands));
      for (size_t i = 0; i < results.size(); ++i) {
        inside[inner.results[i]] = results[i];
        round(op, inner.results[i], body, results[i], stored);
      }
    }
    std::vector<ValueId> results;  // of the new body, each once
    std::vector<size_t> number;    // by result of the old op
    for (ValueId result : old.results) {
      ValueId now = stored.contains(result) ? stored.at(result) : value(result);
      auto [definition, rounded] = rounding_of(op, result);
      if (definition) now = inside.at(rounded);
      auto place = std::ranges::find(results, now);
      number.push_back(static_cast<size_t>(place - results.begin()));
      if (place == results.end()) results.push_back(now);
    }
    rewriter_.builder().set_location(op.location);
    std::vector<ValueId> now = rewriter_.builder().fused(op.get<std::string>("kind"), rewriter_.map(op.operands),
                                                         body.finish(std::move(results), {}));
    for (size_t i = 0; i < op.results.size(); ++i) rewriter_.replace(op.results[i], now[number[i]]);
  }

  bool is_narrowed(const Op &op, ValueId inner) const {
    const std::vector<ValueId> &results = op.body->results;
    for (size_t i = 0; i < results.size(); ++i)
      if (results[i] == inner && narrow_[op.results[i]]) return true;
    return false;
  }

  // The cast of a narrowed result that the body has already.
  std::pair<bool, ValueId> rounding_of(const Op &op, ValueId inner) const {
    if (!is_narrowed(op, inner)) return {false, kNoValue};
    for (const Op &other : op.body->ops)
      if (is_rounding(other, inner)) return {true, other.results[0]};
    return {false, kNoValue};
  }

  void round(const Op &op, ValueId inner, Builder &body, ValueId now, std::map<ValueId, ValueId> &stored) const {
    if (is_narrowed(op, inner) && !rounding_of(op, inner).first) stored[inner] = emit::cast(body, now, DType::bf16);
  }

  const Function &function_;
  std::vector<bool> narrow_;  // by value: stored as bf16 from now on
  Rewriter rewriter_;
};

}  // namespace

void narrow_values(Module &module) {
  if (module.precision != Precision::bf16) return;
  for (Function &function : module.functions) function = Narrower(module, function).run();
}

}  // namespace netc
