// At inference a batch norm right behind a convolution or matrix product disappears into its kernel and a bias:
//
//   batch_norm(conv(x, k) + b, gamma, beta, mean, variance) = conv(x, k * s) + ((b - mean) * s + beta)
//   with s = gamma * rsqrt(variance + epsilon), one number for each output channel, the last axis of the kernel
//
// Why: the normalisation costs nothing then but a pass over the weights. What depends on weights alone is put in front
// of everything else, so that it can be cached between calls. Before: `batch_norm` is not yet decomposed; dropout is
// gone. Only where the product has no other user and the kernel, bias and statistics depend on weights alone. Rounding
// differs from the unfolded form: this is no bit-exact rewriting.
#include <algorithm>
#include <optional>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

struct Match {
  const Op *product = nullptr;  // conv2d or matmul
  ValueId bias = kNoValue;      // kNoValue: none
};

class BatchNormFolder {
 public:
  BatchNormFolder(const Module &module, const Function &function)
      : function_(function),
        uses_(use_counts(function)),
        definitions_(defining_ops(function)),
        weight_only_(find_weight_only(function)),
        rewriter_(module, function) {}

  Function run() {
    for (const Op &op : function_.ops) {
      if (std::optional<Match> match = find_match(op))
        fold(op, *match);
      else
        rewriter_.copy(op);
    }
    return rewriter_.finish();
  }

 private:
  const Op *definition(ValueId value) const {
    return definitions_[value] == UINT32_MAX ? nullptr : &function_.ops[definitions_[value]];
  }

  bool is_product(const Op *op) const {
    if (op == nullptr || uses_[op->results[0]] != 1) return false;
    bool product = op->def->name == "conv2d" || (op->def->name == "matmul" && !op->get<bool>("transpose_b"));
    return product && weight_only_[op->operands[1]];
  }

  std::optional<Match> find_match(const Op &op) const {
    if (op.def->name != "batch_norm") return std::nullopt;
    for (size_t i = 1; i < op.operands.size(); ++i)
      if (!weight_only_[op.operands[i]]) return std::nullopt;
    const Op *before = definition(op.operands[0]);
    if (is_product(before)) return Match{before};
    if (before == nullptr || before->def->name != "add" || uses_[op.operands[0]] != 1) return std::nullopt;
    for (size_t side : {0, 1}) {
      ValueId bias = before->operands[1 - side];
      const Op *product = definition(before->operands[side]);
      if (is_product(product) && weight_only_[bias] && function_.type(bias).rank() <= 1) return Match{product, bias};
    }
    return std::nullopt;
  }

  void fold(const Op &norm, const Match &match) {
    rewriter_.builder().set_location(norm.location);
    Builder &builder = rewriter_.builder();
    ValueId gamma = rewriter_.map(norm.operands[1]), beta = rewriter_.map(norm.operands[2]);
    ValueId mean = rewriter_.map(norm.operands[3]), variance = rewriter_.map(norm.operands[4]);
    ValueId epsilon = builder.constant(norm.get<double>("epsilon"), builder.type(variance).dtype);
    ValueId scale =
        builder.emit("multiply", {gamma, builder.emit("rsqrt", {builder.emit("add", {variance, epsilon})})});
    ValueId kernel = builder.emit("multiply", {rewriter_.map(match.product->operands[1]), scale});
    ValueId offset = match.bias == kNoValue ? builder.emit("negative", {mean})
                                            : builder.emit("subtract", {rewriter_.map(match.bias), mean});
    ValueId bias = builder.emit("add", {builder.emit("multiply", {offset, scale}), beta});
    builder.set_location(match.product->location);
    ValueId product = builder.emit(match.product->def->name, {rewriter_.map(match.product->operands[0]), kernel},
                                   match.product->attributes);
    rewriter_.replace(norm.results[0], builder.emit("add", {product, bias}));
  }

  const Function &function_;
  std::vector<uint32_t> uses_, definitions_;
  std::vector<bool> weight_only_;
  Rewriter rewriter_;
};

// A stable partition: what depends on weights alone first.
void hoist_weight_only(Function &function) {
  std::vector<bool> weight_only = find_weight_only(function);
  std::stable_partition(function.ops.begin(), function.ops.end(), [&](const Op &op) {
    return !op.results.empty() &&
           std::all_of(op.results.begin(), op.results.end(), [&](ValueId result) { return weight_only[result]; });
  });
}

bool has_batch_norm(const Function &function) {
  return std::any_of(function.ops.begin(), function.ops.end(),
                     [](const Op &op) { return op.def->name == "batch_norm"; });
}

}  // namespace

void fold_batch_norm(Module &module) {
  for (Function &function : module.functions) {
    if (function.mode != Mode::inference || !has_batch_norm(function)) continue;
    function = BatchNormFolder(module, function).run();
    hoist_weight_only(function);
  }
}

}  // namespace netc
