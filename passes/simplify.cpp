// Rewrites by identities: multiplication by one, a reshape of a reshape, a broadcast that elementwise ops do anyway ...
//
// Why: autodiff and decompositions write the general case. Every rule is exact in IEEE arithmetic, NaN, infinities and
// the sign of zero included: x - 0 is x, but x + 0 stays, because -0 + 0 is 0. The rules run until none applies.
// Before: gradients are expanded (`stop_gradient` means nothing any more).
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

using Integers = std::vector<int64_t>;

class Simplifier {
 public:
  Simplifier(const Module &module, const Function &function) : function_(function), rewriter_(module, function) {}

  Function run() {
    for (const Op &op : function_.ops) {
      rewriter_.builder().set_location(op.location);
      Op now = rewriter_.mapped(op);
      if (is_idle_write(now)) {
        changed_ = true;
      } else if (std::optional<ValueId> simpler = op.results.size() == 1 ? apply_rules(now, op) : std::nullopt) {
        rewriter_.replace(op.results[0], *simpler);
        changed_ = true;
      } else {
        rewriter_.copy(op);
      }
      note_makers();
    }
    return rewriter_.finish();
  }
  bool changed() const { return changed_; }

 private:
  using Rule = std::optional<ValueId> (Simplifier::*)(const Op &op, const Type &type);

  // `now` has operands of the new function, `old` the results of the old one.
  std::optional<ValueId> apply_rules(const Op &now, const Op &old) {
    static constexpr Rule kRules[] = {
        &Simplifier::drop_identity,       &Simplifier::drop_neutral_operand, &Simplifier::cancel_inverse,
        &Simplifier::join_views,          &Simplifier::choose_branch,        &Simplifier::reduce_nothing,
        &Simplifier::strip_broadcasts,    &Simplifier::broadcast_last,       &Simplifier::absorb_transpose,
        &Simplifier::size_of_an_argument,
    };
    const Type &type = function_.type(old.results[0]);
    for (Rule rule : kRules)
      if (std::optional<ValueId> simpler = (this->*rule)(now, type)) return simpler;
    return std::nullopt;
  }

  // The op of the new function that makes a value; null for an argument. Valid until the next op is appended.
  const Op *maker(ValueId value) {
    return value < makers_.size() && makers_[value] != UINT32_MAX ? &rewriter_.builder().function().ops[makers_[value]]
                                                                  : nullptr;
  }
  const Op *maker(ValueId value, std::string_view name) {
    const Op *op = maker(value);
    return op != nullptr && op->def->name == name ? op : nullptr;
  }
  void note_makers() {
    const Function &built = rewriter_.builder().function();
    makers_.resize(built.values.size(), UINT32_MAX);
    for (; noted_ < built.ops.size(); ++noted_)
      for (ValueId result : built.ops[noted_].results) makers_[result] = noted_;
  }
  std::optional<double> splat(ValueId value) {
    const Op *op = maker(value, "constant");
    if (op == nullptr || op->get<std::vector<double>>("values").size() != 1) return std::nullopt;
    return op->get<std::vector<double>>("values")[0];
  }
  bool is_splat(ValueId value, double number) {
    std::optional<double> found = splat(value);
    return found && *found == number && std::signbit(*found) == std::signbit(number);
  }
  const Type &type_of(ValueId value) { return rewriter_.builder().type(value); }

  bool is_idle_write(const Op &op) {
    if (op.def->name != "write") return false;
    const Op *read = maker(op.operands[0], "read");
    return read != nullptr && read->get<std::string>("weight") == op.get<std::string>("weight");
  }

  // Ops that give their first operand back.
  std::optional<ValueId> drop_identity(const Op &op, const Type &type) {
    if (op.operands.empty() || type_of(op.operands[0]) != type) return std::nullopt;
    std::string_view name = op.def->name;
    bool idle = name == "stop_gradient" || name == "cast" || name == "reshape" || name == "broadcast_to" ||
                (name == "concatenate" && op.operands.size() == 1) || (name == "transpose" && is_sorted(op)) ||
                (name == "pad" && is_zero(op, "low") && is_zero(op, "high")) ||
                (name == "slice" && is_zero(op, "begin") && !is_any_negative(op, "strides"));
    return idle ? std::optional(op.operands[0]) : std::nullopt;
  }
  static bool is_sorted(const Op &op) { return std::ranges::is_sorted(op.get<Integers>("permutation")); }
  static bool is_zero(const Op &op, std::string_view name) {
    return std::ranges::all_of(op.get<Integers>(name), [](int64_t i) { return i == 0; });
  }
  static bool is_any_negative(const Op &op, std::string_view name) {
    return std::ranges::any_of(op.get<Integers>(name), [](int64_t i) { return i < 0; });
  }

  // x * 1, 1 * x, x / 1, x ^ 1, x - 0, x + -0, -0 + x.
  std::optional<ValueId> drop_neutral_operand(const Op &op, const Type &type) {
    if (op.operands.size() != 2) return std::nullopt;
    std::string_view name = op.def->name;
    auto neutral = [&](size_t side) {
      ValueId value = op.operands[side];
      if (name == "multiply") return is_splat(value, 1.0);
      if (name == "add") return is_splat(value, -0.0);
      if (name == "divide" || name == "power") return side == 1 && is_splat(value, 1.0);
      return name == "subtract" && side == 1 && is_splat(value, 0.0);
    };
    for (size_t side : {1, 0})
      if (neutral(side) && type_of(op.operands[1 - side]) == type) return op.operands[1 - side];
    return std::nullopt;
  }

  // -(-x), not not x, x * -1; an op that undoes the one before it.
  std::optional<ValueId> cancel_inverse(const Op &op, const Type &type) {
    std::string_view name = op.def->name;
    if (name == "negative" || name == "logical_not" || name == "reverse" || name == "flip_kernel") {
      const Op *inner = maker(op.operands[0], name);
      if (inner != nullptr && inner->attributes == op.attributes) return inner->operands[0];
    }
    if (name == "multiply")
      for (size_t side : {0, 1})
        if (is_splat(op.operands[side], -1.0) && type_of(op.operands[1 - side]) == type)
          return rewriter_.builder().emit("negative", {op.operands[1 - side]});
    return std::nullopt;
  }

  // Two of a kind in a row are one.
  std::optional<ValueId> join_views(const Op &op, const Type &) {
    std::string_view name = op.def->name;
    if (name != "reshape" && name != "broadcast_to" && name != "transpose") return std::nullopt;
    const Op *inner = maker(op.operands[0], name);
    if (inner == nullptr) return std::nullopt;
    Attributes attributes = op.attributes;
    if (name == "transpose") {
      auto &permutation = std::get<Integers>(attributes.find("permutation")->second);
      const Integers first = inner->get<Integers>("permutation");
      for (int64_t &axis : permutation) axis = first[static_cast<size_t>(axis)];
    }
    return rewriter_.builder().emit(name, {inner->operands[0]}, std::move(attributes));
  }

  std::optional<ValueId> choose_branch(const Op &op, const Type &type) {
    if (op.def->name != "select") return std::nullopt;
    std::optional<double> condition = splat(op.operands[0]);
    if (!condition && op.operands[1] != op.operands[2]) return std::nullopt;
    ValueId chosen = op.operands[condition && *condition == 0 ? 2 : 1];
    return type_of(chosen) == type ? std::optional(chosen) : std::nullopt;
  }

  // A reduction over axes of one element.
  std::optional<ValueId> reduce_nothing(const Op &op, const Type &type) {
    if (op.def->op_class != OpClass::reduction || !op.attributes.contains("axes")) return std::nullopt;
    const Shape &shape = type_of(op.operands[0]).shape;
    if (!std::ranges::all_of(op.get<Integers>("axes"),
                             [&](int64_t axis) { return shape[static_cast<size_t>(axis)].is_one(); }))
      return std::nullopt;
    if (type_of(op.operands[0]) == type) return op.operands[0];
    return rewriter_.builder().emit("reshape", {op.operands[0]}, {{"shape", type.shape}});
  }

  // An elementwise op broadcasts by itself. Where all operands were broadcast, the op runs on the small values and its
  // result is broadcast.
  std::optional<ValueId> strip_broadcasts(const Op &op, const Type &type) {
    if (op.def->op_class != OpClass::elementwise || op.def->name == "broadcast_to") return std::nullopt;
    std::vector<ValueId> operands = op.operands;
    for (ValueId &operand : operands)
      if (const Op *broadcast = maker(operand, "broadcast_to")) operand = broadcast->operands[0];
    if (operands == op.operands) return std::nullopt;
    ValueId result = rewriter_.builder().emit(op.def->name, std::move(operands), op.attributes);
    if (type_of(result) == type) return result;
    return rewriter_.builder().emit("broadcast_to", {result}, {{"shape", type.shape}});
  }

  // A reshape that only adds or drops axes of size one goes in front of a broadcast, where it is a view of less.
  std::optional<ValueId> broadcast_last(const Op &op, const Type &type) {
    if (op.def->name != "reshape") return std::nullopt;
    const Op *broadcast = maker(op.operands[0], "broadcast_to");
    if (broadcast == nullptr) return std::nullopt;
    ValueId small = broadcast->operands[0];
    const Shape &wide = broadcast->get<Shape>("shape");
    Shape narrow(wide.size() - type_of(small).rank(), Dim{1});
    narrow.insert(narrow.end(), type_of(small).shape.begin(), type_of(small).shape.end());
    Shape reshaped;
    size_t axis = 0;
    auto skip_ones = [&] {
      while (axis < wide.size() && wide[axis].is_one()) ++axis;
    };
    for (const Dim &dim : type.shape) {
      skip_ones();
      if (!dim.is_one() && (axis == wide.size() || wide[axis] != dim)) return std::nullopt;
      reshaped.push_back(dim.is_one() ? dim : narrow[axis++]);
    }
    skip_ones();
    if (axis != wide.size()) return std::nullopt;
    small = rewriter_.builder().emit("reshape", {small}, {{"shape", reshaped}});
    return rewriter_.builder().emit("broadcast_to", {small}, {{"shape", type.shape}});
  }

  // matmul reads a transposed matrix as well.
  std::optional<ValueId> absorb_transpose(const Op &op, const Type &) {
    if (op.def->name != "matmul") return std::nullopt;
    std::vector<ValueId> operands = op.operands;
    Attributes attributes = op.attributes;
    for (size_t side : {0, 1}) {
      const Op *transpose = maker(operands[side], "transpose");
      if (transpose == nullptr || transpose->get<Integers>("permutation") != Integers{1, 0}) continue;
      operands[side] = transpose->operands[0];
      bool &flag = std::get<bool>(attributes.find(side == 0 ? "transpose_a" : "transpose_b")->second);
      flag = !flag;
    }
    if (operands == op.operands) return std::nullopt;
    return rewriter_.builder().emit("matmul", std::move(operands), std::move(attributes));
  }

  // The size of an axis keeps no large value alive: a static one is a number, the batch is that of an argument.
  std::optional<ValueId> size_of_an_argument(const Op &op, const Type &) {
    if (op.def->name != "axis_size") return std::nullopt;
    Builder &builder = rewriter_.builder();
    Dim count;
    for (int64_t axis : op.get<Integers>("axes")) {
      const Dim &dim = type_of(op.operands[0]).shape[static_cast<size_t>(axis)];
      count = {count.size * dim.size, count.batch || dim.batch};
    }
    if (!count.batch) return builder.constant(static_cast<double>(count.size));
    for (ValueId argument : rewriter_.builder().function().arguments) {
      const Shape shape = type_of(argument).shape;
      for (size_t axis = 0; axis < shape.size(); ++axis) {
        if (shape[axis] != kBatch) continue;
        if (argument == op.operands[0] && op.get<Integers>("axes") == Integers{static_cast<int64_t>(axis)})
          return std::nullopt;
        ValueId batch = builder.emit("axis_size", {argument}, {{"axes", Integers{static_cast<int64_t>(axis)}}});
        return count.size == 1 ? batch
                               : builder.emit("multiply", {batch, builder.constant(static_cast<double>(count.size))});
      }
    }
    return std::nullopt;
  }

  const Function &function_;
  Rewriter rewriter_;
  std::vector<uint32_t> makers_;
  uint32_t noted_ = 0;
  bool changed_ = false;
};

}  // namespace

void simplify(Module &module) {
  constexpr int kMostRounds = 16;  // each round applies every rule once along the function: chains end in two or three
  for (Function &function : module.functions) {
    bool changed = true;
    for (int round = 0; changed && round < kMostRounds; ++round) {
      Simplifier simplifier(module, function);
      function = simplifier.run();
      changed = simplifier.changed();
    }
  }
}

}  // namespace netc
