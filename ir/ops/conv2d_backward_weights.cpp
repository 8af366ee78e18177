#include "ir/ops/convolution_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

Types infer(const InferContext &c) {
  const Type &image = c.operands[0], &dy = c.operands[1];
  NETC_TRY(need_image(c.op, image));
  NETC_TRY(need_image(c.op, dy));
  NETC_TRY(same_dtype(c.op, image, dy));
  const auto &size = c.get<Integers>("kernel_size");
  NETC_TRY(need_length(c.op, "kernel_size", size.size(), 2));
  NETC_TRY(check_convolution(c, image, {size[0], size[1]}));
  ConvolutionAxes axes = convolution_axes(c.attributes, {image.shape[1].size, image.shape[2].size}, {size[0], size[1]});
  Type wanted{image.dtype, {image.shape[0], Dim{axes[0].output()}, Dim{axes[1].output()}, dy.shape[3]}};
  if (dy != wanted)
    return fail(
        fmt::format("{}: the gradient of the output should be {}, got {}", c.op, to_string(wanted), to_string(dy)));
  auto groups = c.get<int64_t>("groups");
  if (dy.shape[3].size % groups != 0)
    return fail(fmt::format("{}: {} output channels cannot be cut into {} groups", c.op, dy.shape[3].size, groups));
  return one(sum_type(image.dtype), {Dim{size[0]}, Dim{size[1]}, Dim{image.shape[3].size / groups}, dy.shape[3]});
}

// It is bilinear: with the gradient as a kernel, dy's is the convolution and x's that of a convolution's input.
void gradient(GradientContext &g) {
  Builder &b = g.builder;
  DType dtype = b.type(g.x(0)).dtype;
  ValueId kernel = emit::cast(b, g.dy(), dtype);
  g.add(0, emit::cast(b, convolution_input_gradient(b, g.op, b.type(g.x(0)), kernel, g.x(1)), dtype));
  ValueId dy = b.emit("conv2d", {g.x(0), kernel},
                      {{"strides", g.op.get<Integers>("strides")},
                       {"padding", g.op.get<Integers>("padding")},
                       {"dilation", g.op.get<Integers>("dilation")},
                       {"groups", g.op.get<int64_t>("groups")}});
  g.add(1, emit::cast(b, dy, dtype));
}

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0], &dy = *c.operands[1];
  Tensor &kernel = c.results[0];
  ConvolutionAxes axes =
      convolution_axes(c.op.attributes, {x.sizes[1], x.sizes[2]}, {kernel.sizes[0], kernel.sizes[1]});
  auto groups = c.get<int64_t>("groups");
  int64_t inputs = kernel.sizes[2], outputs = kernel.sizes[3], per_group = outputs / groups;
  for_each_convolution_tap(axes, dy.sizes, [&](int64_t b, const ConvolutionTap &tap) {
    const double *pixel = &x.data[((b * x.sizes[1] + tap.row) * x.sizes[2] + tap.column) * x.sizes[3]];
    double *taps = &kernel.data[(tap.kernel_row * kernel.sizes[1] + tap.kernel_column) * inputs * outputs];
    const double *out = &dy.data[((b * dy.sizes[1] + tap.output_row) * dy.sizes[2] + tap.output_column) * outputs];
    for (int64_t group = 0; group < groups; ++group)
      for (int64_t i = 0; i < inputs; ++i)
        for (int64_t o = group * per_group; o < (group + 1) * per_group; ++o)
          taps[i * outputs + o] += pixel[group * inputs + i] * out[o];
  });
}

}  // namespace

std::vector<OpDef> conv2d_backward_weights_ops() {
  std::vector<AttributeDef> attributes = convolution_attributes();
  attributes.push_back({"kernel_size", AttributeKind::integers, "[kh, kw]", std::nullopt, 1, int64_t{1} << 20});
  return {{.name = "conv2d_backward_weights",
           .op_class = OpClass::contraction,
           .doc = "The gradient of `conv2d` with respect to its kernel: `[kh, kw, C / groups, output channels]`.",
           .operands = {{"x", "the image the convolution read"}, {"dy", "the gradient of its result"}},
           .attributes = std::move(attributes),
           .infer = infer,
           .gradient = gradient,
           .evaluate = evaluate}};
}

}  // namespace netc::ops
