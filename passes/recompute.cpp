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

constexpr int64_t kLongestChain = 8;         // elementwise ops in one recomputed expression, casts aside
constexpr int64_t kWorthRecomputing = 4096;  // elements: smaller values are stored, their traffic is nothing

class Chooser {
 public:
  Chooser(const Function &function, const std::vector<std::optional<Window>> &windows)
      : function_(function),
        windows_(windows),
        definitions_(defining_ops(function)),
        users_(function.values.size()),
        recomputed_(function.ops.size(), false),
        leaves_(function.ops.size()),
        expressions_(function.ops.size()),
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
    bool elementwise = is_elementwise(op) && !op.operands.empty() && !is_expensive(op);
    if (!elementwise && !makes_image(index)) return false;
    ValueId value = op.results[0];
    if (pinned_[value] || users_[value].empty() || !is_large(value)) return false;

    std::set<ValueId> leaves;
    std::set<uint32_t> expression{index};
    for (ValueId operand : op.operands) {
      uint32_t definition = definitions_[operand];
      if (definition != UINT32_MAX && recomputed_[definition]) {
        leaves.insert(leaves_[definition].begin(), leaves_[definition].end());
        expression.insert(expressions_[definition].begin(), expressions_[definition].end());
      } else if (is_large(operand) && !(definition != UINT32_MAX && is_splat(function_.ops[definition]))) {
        leaves.insert(operand);
      }
    }
    bool pools = std::ranges::any_of(expression, [&](uint32_t part) { return makes_image(part); });
    for (uint32_t user : users_[value])
      if (!has_shape(user, function_.type(value).shape, pools)) return false;
    // Reading one value instead of another costs nothing, and the one may be used far behind the other (the sign of
    // an activation, in the backward sweep). Reading two instead of one pays for two users: nothing is written. A
    // pooled image is little to read.
    auto whole = std::ranges::count_if(leaves, [&](ValueId leaf) { return !is_fraction(leaf, value); });
    bool few = whole <= 1 || (whole == 2 && users_[value].size() == 2);
    bool stored = std::all_of(leaves.begin(), leaves.end(),
                              [&](ValueId leaf) { return is_stored_anyway(leaf) || is_smaller(leaf, value); });
    auto length =
        std::ranges::count_if(expression, [&](uint32_t part) { return function_.ops[part].def->name != "cast"; });
    if (!few || !stored || length > kLongestChain) return false;
    leaves_[index] = std::move(leaves);
    expressions_[index] = std::move(expression);
    return true;
  }

  // The gradient of pooling: an image made window by window.
  bool makes_image(uint32_t op) const {
    return windows_[op] && function_.type(function_.ops[op].results[0]).shape == windows_[op]->image;
  }

  bool is_large(ValueId value) const {
    Result<Dim> count = element_count(function_.type(value).shape);
    return count && (count->batch || count->size > kWorthRecomputing);
  }

  // Elementwise with a result, a reduction with an operand, or pooling with an image of this shape, of an expression
  // that `pools` or not.
  bool has_shape(uint32_t index, const Shape &shape, bool pools) const {
    const Op &user = function_.ops[index];
    if (is_elementwise(user)) return function_.type(user.results[0]).shape == shape;
    if (windows_[index]) return windows_[index]->image == shape;
    return is_fusable_reduction(user) && function_.type(user.operands[0]).shape == shape &&
           (!pools || reduces_windows(user));
  }

  bool is_fraction(ValueId leaf, ValueId value) const {
    Result<Dim> part = element_count(function_.type(leaf).shape), all = element_count(function_.type(value).shape);
    return part && all && part->batch == all->batch && 4 * part->size <= all->size;
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
  const std::vector<std::optional<Window>> &windows_;
  std::vector<uint32_t> definitions_;
  std::vector<std::set<uint32_t>> users_;  // by value
  std::vector<bool> recomputed_;
  std::vector<std::set<ValueId>> leaves_;        // by recomputed op: the large values its expression reads
  std::vector<std::set<uint32_t>> expressions_;  // by recomputed op: the ops that it takes
  std::vector<bool> pinned_;                     // by value: a result of the function
};

}  // namespace

bool is_splat(const Op &op) { return op.def->name == "constant" && op.get<std::vector<double>>("values").size() == 1; }

bool is_elementwise(const Op &op) { return op.def->op_class == OpClass::elementwise || is_splat(op); }

bool is_fusable_reduction(const Op &op) {
  return op.def->op_class == OpClass::reduction && op.attributes.contains("axes") &&
         op.attributes.contains("keep_dims");
}

bool reduces_windows(const Op &op) {
  const auto &axes = op.get<std::vector<int64_t>>("axes");
  return std::ranges::count(axes, 1) > 0 && std::ranges::count(axes, 2) > 0;
}

std::vector<bool> choose_recomputed(const Function &function, const std::vector<std::optional<Window>> &windows) {
  return Chooser(function, windows).run();
}

}  // namespace netc
