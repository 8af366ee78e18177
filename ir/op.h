// The record that defines an op. One file in ir/ops/ holds one op (or one family that differs in a formula alone);
// nothing about an op lives anywhere else except its test. docs/add-an-op.md walks through a new one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "ir/kernel_builder.h"
#include "ir/tensor.h"

namespace netc {

class Builder;  // ir/builder.h

struct OperandDef {
  std::string_view name;
  std::string_view doc;
  bool variadic = false;  // the last operand only: any number from zero
};

struct AttributeDef {
  std::string_view name;
  AttributeKind kind;
  std::string_view doc;
  std::optional<Attribute> fallback;  // the default; absent: the attribute must be given
  // Limits of an integer or of every element of an integer list.
  int64_t minimum = INT64_MIN;
  int64_t maximum = INT64_MAX;
};

// What a shape rule sees. Operand and attribute counts and kinds were checked before.
struct InferContext {
  std::span<const Type> operands;
  const Attributes &attributes;
  const Module *module;  // for `read` and `write`; null inside fused bodies
  const Function *body;  // for `fused`
  std::string_view op;   // the name, for messages of rules that several ops share

  template <typename T>
  const T &get(std::string_view name) const {
    return std::get<T>(attributes.find(name)->second);
  }
};

// What a gradient rule sees: the op, the gradients of its results, and a builder at the place where the backward ops
// go. A result nobody needed has no gradient (kNoValue). The rule calls `add` for each operand that has one.
inline constexpr ValueId kNoValue = UINT32_MAX;
struct GradientContext {
  Builder &builder;
  const Op &op;  // ids are those of the function being built
  std::span<const ValueId> result_gradients;
  std::vector<std::vector<ValueId>> &operand_gradients;  // summed by autodiff

  ValueId dy(size_t result = 0) const { return result_gradients[result]; }
  ValueId x(size_t operand) const { return op.operands[operand]; }
  ValueId y(size_t result = 0) const { return op.results[result]; }
  void add(size_t operand, ValueId gradient) { operand_gradients[operand].push_back(gradient); }
};

// What the reference evaluator hands to an op. All numbers are doubles, whatever the dtype.
struct EvaluateContext {
  const Op &op;
  std::span<const Tensor *const> operands;
  std::vector<Tensor> &results;  // sized and shaped before the call, filled with zeros
  int64_t batch;
  uint64_t seed;
  uint64_t step;
  Mode mode;                              // of the function: dropout does nothing in inference
  const struct Environment *environment;  // ir/evaluator.h; for read and runtime_value

  template <typename T>
  const T &get(std::string_view name) const {
    return op.get<T>(name);
  }
};

// What an op is to the passes.
enum class OpClass : uint8_t {
  elementwise,  // one result element from the operand elements at the same (broadcast) index; fuses everywhere
  reduction,    // reduce_*: fuses with the elementwise ops before it
  contraction,  // matmul, conv2d, conv2d_backward_weights: the tile emitter; fuses with the elementwise ops after it
  view,         // reshape: same memory, another shape
  kernel,       // everything else with a result: pooling, transpose, concatenate, gather
  state,        // read, write, runtime_value, constant: no kernel of their own where it can be avoided
  composite,    // must be decomposed before codegen: softmax, batch_norm, dropout, gradient
};

struct OpDef {
  std::string_view name;
  OpClass op_class;
  std::string_view doc;  // Markdown: the formula, shapes, and its source
  std::vector<OperandDef> operands;
  std::vector<AttributeDef> attributes;

  // The types of the results, or what is wrong with the operands in words a user understands.
  Result<std::vector<Type>> (*infer)(const InferContext &);
  // Null: the op has no gradient (comparisons, argmax): gradients do not flow through it.
  void (*gradient)(GradientContext &) = nullptr;
  // The meaning, in f64.
  void (*evaluate)(EvaluateContext &) = nullptr;
  // The same in other ops; returns the results. Passes apply it where codegen has no lowering.
  std::vector<ValueId> (*decompose)(Builder &, const Op &, Mode) = nullptr;

  // Lowerings: exactly one is set for each class that has kernels, except contractions (codegen/contraction).
  // Inside a fused op an elementwise op may not ask the builder for operand_type or result_type: those are of the whole
  // kernel. elementwise: the result element from the operand elements. Those without operands (random_uniform, iota)
  // set `pull`.
  Scalar (*element)(KernelBuilder &, const Op &, std::span<const Scalar> operands) = nullptr;
  // reduction, kernel (pull): the result element at `index`.
  Scalar (*pull)(KernelBuilder &, const Op &, std::span<const Index> index) = nullptr;
  // kernel (push): runs once for every index of operand 0 and accumulates into the zeroed result.
  void (*push)(KernelBuilder &, const Op &, std::span<const Index> index) = nullptr;
  // kernel, besides pull or push: the elements of the result in one window (ir/window.h) from those of the operands
  // there, so that the op fuses with elementwise ops. An image has one element for each place, a pooled image one.
  std::vector<Scalar> (*window)(KernelBuilder &, const Op &, std::span<const std::vector<Scalar>> operands) = nullptr;
};

// All ops, by name. The registry is a table built from the files in ir/ops (ir/ops/registry.cpp).
const OpDef *find_op(std::string_view name);
const std::vector<const OpDef *> &all_ops();

}  // namespace netc
