#include "ir/emit.h"
#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

Types infer(const InferContext &c) {
  const Type &kernel = c.operands[0];
  bool fixed = std::none_of(kernel.shape.begin(), kernel.shape.end(), [](Dim d) { return d.batch; });
  if (kernel.rank() != 4 || !fixed)
    return fail(
        fmt::format("flip_kernel needs a kernel [kh, kw, input channels, output channels], got {}", to_string(kernel)));
  return one(kernel.dtype, {kernel.shape[0], kernel.shape[1], kernel.shape[3], kernel.shape[2]});
}

void gradient(GradientContext &g) { g.add(0, g.builder.emit("flip_kernel", {g.dy()})); }

void evaluate(EvaluateContext &c) {
  const Tensor &kernel = *c.operands[0];
  Tensor &y = c.results[0];
  int64_t taps = kernel.sizes[0] * kernel.sizes[1], inputs = kernel.sizes[2], outputs = kernel.sizes[3];
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t i = 0; i < inputs; ++i)
      for (int64_t o = 0; o < outputs; ++o)
        y.data[((taps - 1 - tap) * outputs + o) * inputs + i] = kernel.data[(tap * inputs + i) * outputs + o];
}

Scalar pull(KernelBuilder &k, const Op &, std::span<const Index> index) {
  const Shape &shape = k.operand_type(0).shape;
  auto mirrored = [&](size_t axis) { return k.add(k.index(shape[axis].size - 1), k.scale(index[axis], -1)); };
  return k.load(0, std::vector<Index>{mirrored(0), mirrored(1), index[3], index[2]});
}

}  // namespace

std::vector<OpDef> flip_kernel_ops() {
  return {{.name = "flip_kernel",
           .op_class = OpClass::kernel,
           .doc = "The kernel of a convolution as that of its gradient with respect to the image: "
                  "`y[u, v, o, i] = kernel[kh - 1 - u, kw - 1 - v, i, o]`.",
           .operands = {{"kernel", "[kh, kw, C, output channels]"}},
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate,
           .pull = pull}};
}

}  // namespace netc::ops
