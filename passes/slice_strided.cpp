// A 1x1 convolution with strides sees every other pixel: these are cut out first, and so for the gradient of its
// kernel.
//
// Why: what is left is a product of matrices, pixels times channels, with all that makes those fast; the copy is a
// small part of the image. The gradient of the image stays a convolution, which writes the zeros between as it goes.
// Before: the gradient ops of autodiff are there.
#include <algorithm>

#include "passes/analysis.h"
#include "passes/transforms.h"

namespace netc {
namespace {

using Integers = std::vector<int64_t>;

bool is_one(int64_t i) { return i == 1; }

// A convolution, or the gradient of a kernel, with a kernel of one pixel, strides and no padding.
bool skips_pixels(const Function &function, const Op &op) {
  bool backward = op.def->name == "conv2d_backward_weights";
  if (op.def->name != "conv2d" && !backward) return false;
  const Shape &kernel = function.type(backward ? op.results[0] : op.operands[1]).shape;
  return kernel[0].is_one() && kernel[1].is_one() && op.get<int64_t>("groups") == 1 &&
         !std::ranges::all_of(op.get<Integers>("strides"), is_one) && op.get<Integers>("padding") == Integers(4, 0) &&
         (backward || std::ranges::all_of(op.get<Integers>("input_dilation"), is_one));
}

}  // namespace

void slice_strided(Module &module) {
  for (Function &function : module.functions) {
    Rewriter rewriter(module, function);
    for (const Op &op : function.ops) {
      if (!skips_pixels(function, op)) {
        rewriter.copy(op);
        continue;
      }
      const Shape &image = function.type(op.operands[0]).shape;
      const auto &strides = op.get<Integers>("strides");
      Builder &builder = rewriter.builder();
      builder.set_location(op.location);
      ValueId seen = builder.emit("slice", {rewriter.map(op.operands[0])},
                                  {{"begin", Integers(4, 0)},
                                   {"end", Integers{image[0].size, image[1].size, image[2].size, image[3].size}},
                                   {"strides", Integers{1, strides[0], strides[1], 1}}});
      Attributes attributes = op.attributes;
      attributes["strides"] = Integers{1, 1};
      rewriter.replace(op.results[0],
                       builder.emit(op.def->name, {seen, rewriter.map(op.operands[1])}, std::move(attributes)));
    }
    function = rewriter.finish();
  }
}

}  // namespace netc
