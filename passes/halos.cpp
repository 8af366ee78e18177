// Gives every image that a convolution reads the zeros around it that the padding asks for (Value::halo), and makes
// every copy that placing values in memory needs an op of its own.
//
// Why: with a halo the inner loops of a convolution have no edge cases. The zeros are stored by whoever makes the
// value.
//
// A copy is a fused map that does nothing. One is inserted
// - where the image is not made by a kernel (an argument, a weight, a view) or is looked at by a view as well, because
// a
//   view of memory with a halo has holes;
// - where a result of the function would not be made by a kernel for that result alone;
// - where a `write` writes what no kernel makes.
//
// Before: fused. After: the image operand of every conv2d and conv2d_backward_weights has a halo at least as large as
// its padding (negative padding crops and needs none; with input dilation the halo counts undilated elements).
#include <algorithm>
#include <set>

#include "passes/analysis.h"
#include "passes/storage.h"
#include "passes/transforms.h"

namespace netc {
namespace {

Halo larger(const Halo &a, const Halo &b) {
  return {std::max(a.top, b.top), std::max(a.bottom, b.bottom), std::max(a.left, b.left), std::max(a.right, b.right)};
}

// What the convolution `op` reads around its image: with zeros between the elements, whatever of its padding would be
// an element.
Halo halo_for(const Op &op) {
  const auto &padding = op.get<std::vector<int64_t>>("padding");
  auto dilation = op.attributes.find("input_dilation");
  auto around = [&](size_t side) {
    int64_t spacing = dilation == op.attributes.end() ? 1 : std::get<std::vector<int64_t>>(dilation->second)[side / 2];
    return std::max<int64_t>(0, padding[side]) / spacing;
  };
  return {around(0), around(1), around(2), around(3)};
}

// The convolution in an op, bare or at the head of a fused contraction, and the operand of `op` that is its image.
struct Convolution {
  const Op *op = nullptr;
  size_t image = 0;
};
Convolution find_convolution(const Op &op) {
  auto is_convolution = [](const Op &o) { return o.def->name == "conv2d" || o.def->name == "conv2d_backward_weights"; };
  if (is_convolution(op)) return {&op, 0};
  if (op.body == nullptr) return {};
  for (const Op &inner : op.body->ops) {
    if (!is_convolution(inner)) continue;
    const std::vector<ValueId> &arguments = op.body->arguments;
    auto image = std::find(arguments.begin(), arguments.end(), inner.operands[0]);
    return {&inner, static_cast<size_t>(image - arguments.begin())};
  }
  return {};
}

bool is_made_by_kernel(const Op &op) { return op.def->op_class != OpClass::state && op.def->op_class != OpClass::view; }

class Halos {
 public:
  Halos(const Module &module, const Function &function)
      : function_(function),
        rewriter_(module, function),
        needed_(function.values.size()),
        own_halo_(function.values.size(), false),
        copies_(function.values.size(), kNoValue) {}

  Function run() {
    find_needs();
    for (const Op &op : function_.ops) {
      if (has_effect(op))
        write(op);
      else
        copy_with_halos(op);
    }
    return finish();
  }

 private:
  void find_needs() {
    for (const Op &op : function_.ops)
      for (ValueId result : op.results) own_halo_[result] = is_made_by_kernel(op);
    for (const Op &op : function_.ops) {
      bool hides_layout = op.def->op_class == OpClass::view || has_effect(op);
      for (ValueId operand : op.operands)
        if (hides_layout) own_halo_[operand] = false;
      if (Convolution convolution = find_convolution(op); convolution.op != nullptr) {
        ValueId image = op.operands[convolution.image];
        needed_[image] = larger(needed_[image], halo_for(*convolution.op));
      }
    }
    for (ValueId result : function_.results) own_halo_[result] = false;
  }

  ValueId make_copy(ValueId value) {
    Builder body(nullptr, "", function_.mode);
    ValueId argument = body.argument("x", rewriter_.builder().type(value));
    return rewriter_.builder().fused("map", {value}, body.finish({argument}, {})).front();
  }

  // The copy of an old value that has the halo it needs; made at its first use.
  ValueId with_halo(ValueId old) {
    if (needed_[old].empty() || own_halo_[old]) return rewriter_.map(old);
    if (copies_[old] == kNoValue) {
      copies_[old] = make_copy(rewriter_.map(old));
      rewriter_.builder().set_halo(copies_[old], needed_[old]);
    }
    return copies_[old];
  }

  void copy_with_halos(const Op &op) {
    rewriter_.builder().set_location(op.location);
    std::vector<ValueId> operands = rewriter_.map(op.operands);
    if (Convolution convolution = find_convolution(op); convolution.op != nullptr)
      operands[convolution.image] = with_halo(op.operands[convolution.image]);
    std::vector<ValueId> results = rewriter_.builder().clone(op, function_, std::move(operands));
    for (size_t i = 0; i < results.size(); ++i) {
      rewriter_.replace(op.results[i], results[i]);
      if (own_halo_[op.results[i]]) rewriter_.builder().set_halo(results[i], needed_[op.results[i]]);
    }
  }

  void write(const Op &op) {
    rewriter_.builder().set_location(op.location);
    ValueId value = rewriter_.map(op.operands[0]);
    if (!made_by_kernel(value)) value = make_copy(value);
    rewriter_.builder().clone(op, function_, {value});
  }

  bool made_by_kernel(ValueId now) {
    const Function &function = rewriter_.builder().function();
    ValueId root = alias_roots(function)[now];
    return std::any_of(function.ops.begin(), function.ops.end(), [&](const Op &op) {
      return is_made_by_kernel(op) && std::find(op.results.begin(), op.results.end(), root) != op.results.end();
    });
  }

  // Each result of the function is a buffer of the caller's: one kernel must make it, and it for no other result.
  Function finish() {
    std::set<ValueId> taken;
    std::vector<ValueId> results;
    for (ValueId old : function_.results) {
      ValueId value = rewriter_.map(old);
      if (!made_by_kernel(value) || !taken.insert(alias_roots(rewriter_.builder().function())[value]).second)
        value = make_copy(value);
      results.push_back(value);
    }
    return rewriter_.builder().finish(std::move(results), function_.result_names);
  }

  const Function &function_;
  Rewriter rewriter_;
  std::vector<Halo> needed_;     // by old value
  std::vector<bool> own_halo_;   // by old value: its kernel can store it with the halo
  std::vector<ValueId> copies_;  // by old value: its copy with the halo
};

}  // namespace

void place_halos(Module &module) {
  for (Function &function : module.functions) function = Halos(module, function).run();
}

}  // namespace netc
