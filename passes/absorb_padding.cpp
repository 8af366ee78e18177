// conv2d(pad(x), kernel), padded by zeros along height and width, is a conv2d of x that pads for itself.
//
// Why: a padded copy of the image costs as much memory traffic as a small convolution; a convolution's own padding is a
// halo that whoever makes x stores along with it (halos.cpp). The gradients are then made without a copy, too.
// Before: the gradient ops of autodiff are not yet there.
#include <algorithm>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

using Integers = std::vector<int64_t>;

// Zeros above, below, left and right of an image, and nothing else.
bool is_zero_padding(const Op &op) {
  if (op.def->name != "pad" || op.get<double>("value") != 0) return false;
  const auto &low = op.get<Integers>("low"), &high = op.get<Integers>("high");
  return low.size() == 4 && low[3] == 0 && high[3] == 0;
}

bool has_dense_input(const Op &convolution) {
  return std::ranges::all_of(convolution.get<Integers>("input_dilation"), [](int64_t d) { return d == 1; });
}

}  // namespace

void absorb_padding(Module &module) {
  for (Function &function : module.functions) {
    std::vector<uint32_t> definitions = defining_ops(function);
    Rewriter rewriter(module, function);
    for (const Op &op : function.ops) {
      uint32_t definition = op.def->name == "conv2d" ? definitions[op.operands[0]] : UINT32_MAX;
      const Op *pad = definition == UINT32_MAX ? nullptr : &function.ops[definition];
      if (pad == nullptr || !is_zero_padding(*pad) || !has_dense_input(op)) {
        rewriter.copy(op);
        continue;
      }
      const auto &low = pad->get<Integers>("low"), &high = pad->get<Integers>("high");
      Attributes attributes = op.attributes;
      auto &padding = std::get<Integers>(attributes["padding"]);
      for (size_t side = 0; side < 4; ++side) padding[side] += (side % 2 == 0 ? low : high)[1 + side / 2];
      Builder &builder = rewriter.builder();
      builder.set_location(op.location);
      ValueId image = rewriter.map(pad->operands[0]), kernel = rewriter.map(op.operands[1]);
      rewriter.replace(op.results[0], builder.emit("conv2d", {image, kernel}, std::move(attributes)));
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
