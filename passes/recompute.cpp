#include "passes/recompute.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "passes/analysis.h"

namespace netc {
namespace {

// Worth storing rather than computing twice: about ten instructions or more an element.
bool is_expensive(const Op &op) {
  static constexpr std::array<std::string_view, 18> kExpensive = {
      "exp",     "expm1", "log",       "log1p",  "sin",  "cos",   "tanh",       "sigmoid",        "erf",
      "erf_inv", "power", "remainder", "divide", "sqrt", "rsqrt", "reciprocal", "random_uniform", "round"};
  return std::find(kExpensive.begin(), kExpensive.end(), op.def->name) != kExpensive.end();
}

constexpr size_t kLongestChain = 8;          // elementwise ops in one recomputed expression
constexpr int64_t kWorthRecomputing = 4096;  // elements: smaller values are stored, their traffic is nothing

class Chooser {
 public:
  explicit Chooser(const Function &function)
      : function_(function),
        definitions_(defining_ops(function)),
        users_(function.values.size()),
        recomputed_(function.ops.size(), false),
        leaves_(function.ops.size()),
        length_(function.ops.size(), 0),
        pinned_(function.values.size(), false) {
    for (uint32_t i = 0; i < function.ops.size(); ++i)
      for (ValueId operand : function.ops[i].operands) users_[operand].insert(i);
    for (ValueId result : function.results) pinned_[result] = true;
  }

  std::vector<bool> run() {
    for (uint32_t i = 0; i < function_.ops.size(); ++i)
      recomputed_[i] = is_splat(function_.ops[i]) ? splat_is_free(i) : choose(i);
    return std::move(recomputed_);
  }

 private:
  // A splat is an immediate unless an op that is not elementwise wants it in memory.
  bool splat_is_free(uint32_t op) const {
    ValueId value = function_.ops[op].results[0];
    return !pinned_[value] && std::all_of(users_[value].begin(), users_[value].end(),
                                          [&](uint32_t user) { return is_elementwise(function_.ops[user]); });
  }

  bool choose(uint32_t index) {
    const Op &op = function_.ops[index];
    if (!is_elementwise(op) || op.operands.empty() || is_expensive(op)) return false;
    ValueId value = op.results[0];
    if (pinned_[value] || users_[value].empty() || !is_large(value)) return false;
    for (uint32_t user : users_[value])
      if (!has_shape(function_.ops[user], function_.type(value).shape)) return false;

    std::set<ValueId> leaves;
    size_t length = 1;
    for (ValueId operand : op.operands) {
      uint32_t definition = definitions_[operand];
      if (definition != UINT32_MAX && recomputed_[definition]) {
        leaves.insert(leaves_[definition].begin(), leaves_[definition].end());
        length += length_[definition];
      } else if (is_large(operand)) {
        leaves.insert(operand);
      }
    }
    // Reading one value instead of another costs nothing, and the one may be used far behind the other (the sign of
    // an activation, in the backward sweep). Reading two instead of one pays for two users: nothing is written.
    bool few = leaves.size() <= 1 || (leaves.size() == 2 && users_[value].size() == 2);
    bool stored = std::all_of(leaves.begin(), leaves.end(),
                              [&](ValueId leaf) { return is_stored_anyway(leaf) || is_smaller(leaf, value); });
    if (!few || !stored || length > kLongestChain) return false;
    leaves_[index] = std::move(leaves);
    length_[index] = length;
    return true;
  }

  bool is_large(ValueId value) const {
    Result<Dim> count = element_count(function_.type(value).shape);
    return count && (count->batch || count->size > kWorthRecomputing);
  }

  // Elementwise with a result, or a reduction with an operand, of this shape.
  bool has_shape(const Op &user, const Shape &shape) const {
    if (is_elementwise(user)) return function_.type(user.results[0]).shape == shape;
    return is_fusable_reduction(user) && function_.type(user.operands[0]).shape == shape;
  }

  // A dropout mask is stored as booleans, not as the factors made from them.
  bool is_smaller(ValueId leaf, ValueId value) const {
    return stored_bytes(function_.value(leaf)).size < stored_bytes(function_.value(value)).size;
  }

  // An elementwise value or a contraction with one user may never reach memory; everything else does.
  bool is_stored_anyway(ValueId value) const {
    if (definitions_[value] == UINT32_MAX || pinned_[value]) return true;
    const Op &op = function_.ops[definitions_[value]];
    bool may_fuse = is_elementwise(op) || op.def->op_class == OpClass::contraction;
    return !may_fuse || users_[value].size() >= 2;
  }

  const Function &function_;
  std::vector<uint32_t> definitions_;
  std::vector<std::set<uint32_t>> users_;  // by value
  std::vector<bool> recomputed_;
  std::vector<std::set<ValueId>> leaves_;  // by recomputed op: the large values its expression reads
  std::vector<size_t> length_;             // by recomputed op: ops in its expression
  std::vector<bool> pinned_;               // by value: a result of the function
};

}  // namespace

bool is_splat(const Op &op) { return op.def->name == "constant" && op.get<std::vector<double>>("values").size() == 1; }

bool is_elementwise(const Op &op) { return op.def->op_class == OpClass::elementwise || is_splat(op); }

bool is_fusable_reduction(const Op &op) {
  return op.def->op_class == OpClass::reduction && op.attributes.contains("axes") &&
         op.attributes.contains("keep_dims");
}

std::vector<bool> choose_recomputed(const Function &function) { return Chooser(function).run(); }

}  // namespace netc
