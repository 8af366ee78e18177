// Makes the function `gradcheck` what the gradient check needs: every float is f64, and every weight is an argument, in
// the order of the module, behind the arguments it had.
//
// Why: finite differences need the digits of f64, and must be able to move one number of one weight at a time. The
// function loses its writes: a check changes nothing. Before: no composite ops are left (some of them have operands
// that must be f32).
#include <algorithm>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

DType widened(DType dtype) { return is_float(dtype) ? DType::f64 : dtype; }

Type widened(Type type) {
  type.dtype = widened(type.dtype);
  return type;
}

Attributes widened(Attributes attributes) {
  auto dtype = attributes.find("dtype");
  if (dtype != attributes.end()) {
    auto &text = std::get<std::string>(dtype->second);
    text = name(widened(*dtype_from_name(text)));
  }
  return attributes;
}

Function widen(const Module &module, const Function &function) {
  Builder builder(&module, function.name, function.mode);
  std::vector<ValueId> map(function.values.size(), kNoValue);
  for (ValueId argument : function.arguments)
    map[argument] = builder.argument(function.value(argument).name, widened(function.type(argument)));
  std::map<std::string, ValueId, std::less<>> weights;
  for (const Weight &weight : module.weights)
    weights[weight.name] = builder.argument(weight.name, widened(weight.type));

  for (const Op &op : function.ops) {
    if (op.def->name == "write") continue;
    if (op.def->name == "read") {
      map[op.results[0]] = weights.at(op.get<std::string>("weight"));
      continue;
    }
    builder.set_location(op.location);
    std::vector<ValueId> operands;
    for (ValueId operand : op.operands) operands.push_back(map[operand]);
    std::vector<ValueId> results = *builder.try_emit(op.def->name, std::move(operands), widened(op.attributes));
    for (size_t i = 0; i < results.size(); ++i) {
      const Value &old = function.value(op.results[i]);
      if (has_name(old)) builder.name(results[i], old.name);
      // Ops that always give f32: runtime values, sizes, random numbers.
      bool narrow = is_float(builder.type(results[i]).dtype) && builder.type(results[i]).dtype != DType::f64;
      map[op.results[i]] =
          narrow ? builder.emit("cast", {results[i]}, {{"dtype", std::string(name(DType::f64))}}) : results[i];
    }
  }
  std::vector<ValueId> results;
  for (ValueId result : function.results) results.push_back(map[result]);
  return builder.finish(std::move(results), function.result_names);
}

bool is_widened(const Module &module, const Function &function) {
  return function.arguments.size() >= module.weights.size() &&
         std::all_of(function.arguments.begin(), function.arguments.end(),
                     [&](ValueId argument) { return function.type(argument) == widened(function.type(argument)); }) &&
         std::none_of(function.ops.begin(), function.ops.end(), [](const Op &op) { return op.def->name == "read"; });
}

}  // namespace

void widen_gradcheck(Module &module) {
  Function *function = module.find_function("gradcheck");
  if (function != nullptr && !is_widened(module, *function)) *function = widen(module, *function);
}

}  // namespace netc
