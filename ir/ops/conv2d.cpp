#include "ir/ops/convolution_helpers.h"
#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/registry.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;

constexpr int64_t kFewFilters = 4;

Types infer(const InferContext &c) {
  const Type &image = c.operands[0], &kernel = c.operands[1];
  NETC_TRY(need_image("conv2d", image));
  NETC_TRY(same_dtype("conv2d", image, kernel));
  bool fixed = std::none_of(kernel.shape.begin(), kernel.shape.end(), [](Dim d) { return d.batch; });
  if (kernel.rank() != 4 || !fixed)
    return fail(
        fmt::format("conv2d needs a kernel [kh, kw, input channels, output channels], got {}", to_string(kernel)));
  std::array<int64_t, 2> taps = {kernel.shape[0].size, kernel.shape[1].size};
  NETC_TRY(check_convolution(c, image, taps));
  auto groups = c.get<int64_t>("groups");
  int64_t channels = image.shape[3].size, inputs = kernel.shape[2].size, outputs = kernel.shape[3].size;
  if (inputs != channels / groups)
    return fail(fmt::format("conv2d: the kernel {} takes {} channels{}, the image {} has {}", to_string(kernel), inputs,
                            groups == 1 ? "" : fmt::format(" for each of {} groups", groups), to_string(image),
                            channels));
  if (outputs % groups != 0)
    return fail(fmt::format("conv2d: {} output channels cannot be cut into {} groups", outputs, groups));
  ConvolutionAxes axes = convolution_axes(c.attributes, {image.shape[1].size, image.shape[2].size}, taps);
  return one(sum_type(image.dtype), {image.shape[0], Dim{axes[0].output()}, Dim{axes[1].output()}, Dim{outputs}});
}

// x with zeros between its elements, as a convolution by one that leaves the channels apart.
ValueId spread_out(Builder &b, ValueId x, const Integers &input_dilation) {
  Dim channels = b.type(x).shape[3];
  ValueId unit = emit::filled(b, {b.type(x).dtype, {Dim{}, Dim{}, Dim{}, channels}}, 1);
  return b.emit("conv2d", {x, unit}, {{"input_dilation", input_dilation}, {"groups", channels.size}});
}

// With no zeros between the input's elements: conv2d_backward_weights as it stands.
ValueId plain_kernel_gradient(Builder &b, const Op &op, ValueId x, ValueId dy, const Shape &kernel) {
  return b.emit("conv2d_backward_weights", {x, dy},
                {{"kernel_size", Integers{kernel[0].size, kernel[1].size}},
                 {"strides", op.get<Integers>("strides")},
                 {"padding", op.get<Integers>("padding")},
                 {"dilation", op.get<Integers>("dilation")},
                 {"groups", op.get<int64_t>("groups")}});
}

// With stride one, x and dy change places: y is then the image and x the gradient of a strided convolution.
ValueId exchanged_kernel_gradient(Builder &b, const Op &op, ValueId x, ValueId dy, const Shape &kernel) {
  const Shape image = b.type(x).shape, output = b.type(dy).shape;
  ConvolutionAxes axes =
      convolution_axes(op.attributes, {image[1].size, image[2].size}, {kernel[0].size, kernel[1].size});
  Integers padding;
  for (size_t i = 0; i < 2; ++i) {
    int64_t before = axes[i].reach() - 1 - axes[i].before;
    padding.push_back(before);
    padding.push_back((axes[i].size - 1) * axes[i].input_dilation + axes[i].reach() - output[i + 1].size - before);
  }
  auto groups = op.get<int64_t>("groups");
  ValueId flipped = b.emit("conv2d_backward_weights", {dy, x},
                           {{"kernel_size", Integers{kernel[0].size, kernel[1].size}},
                            {"strides", op.get<Integers>("input_dilation")},
                            {"padding", padding},
                            {"dilation", op.get<Integers>("dilation")},
                            {"groups", groups}});
  return flipped_kernel(b, flipped, groups);
}

ValueId kernel_gradient(Builder &b, const Op &op, ValueId x, ValueId dy, const Shape &kernel) {
  const Integers ones = {1, 1};
  const auto &input_dilation = op.get<Integers>("input_dilation");
  // The columns of the sums are filters, and after the exchange channels: they should fill vectors.
  bool few_filters = kernel[3].size <= kFewFilters && kernel[2].size >= 4 * kernel[3].size;
  bool unit_strides = op.get<Integers>("strides") == ones;
  if (few_filters && unit_strides && op.get<int64_t>("groups") == 1)
    return exchanged_kernel_gradient(b, op, x, dy, kernel);
  if (input_dilation == ones) return plain_kernel_gradient(b, op, x, dy, kernel);
  if (unit_strides) return exchanged_kernel_gradient(b, op, x, dy, kernel);
  ValueId spread = emit::cast(b, spread_out(b, x, input_dilation), b.type(x).dtype);
  return plain_kernel_gradient(b, op, spread, dy, kernel);
}

void gradient(GradientContext &g) {
  Builder &b = g.builder;
  const Shape kernel = b.type(g.x(1)).shape;
  DType dtype = b.type(g.x(0)).dtype;
  ValueId dy = emit::cast(b, g.dy(), dtype);
  g.add(0, emit::cast(b, convolution_input_gradient(b, g.op, b.type(g.x(0)), g.x(1), dy), dtype));
  g.add(1, emit::cast(b, kernel_gradient(b, g.op, g.x(0), dy, kernel), dtype));
}

void evaluate(EvaluateContext &c) {
  const Tensor &x = *c.operands[0], &kernel = *c.operands[1];
  Tensor &y = c.results[0];
  ConvolutionAxes axes =
      convolution_axes(c.op.attributes, {x.sizes[1], x.sizes[2]}, {kernel.sizes[0], kernel.sizes[1]});
  auto groups = c.get<int64_t>("groups");
  int64_t inputs = kernel.sizes[2], outputs = kernel.sizes[3], per_group = outputs / groups;
  for_each_convolution_tap(axes, y.sizes, [&](int64_t b, const ConvolutionTap &tap) {
    const double *pixel = &x.data[((b * x.sizes[1] + tap.row) * x.sizes[2] + tap.column) * x.sizes[3]];
    const double *taps = &kernel.data[(tap.kernel_row * kernel.sizes[1] + tap.kernel_column) * inputs * outputs];
    double *out = &y.data[((b * y.sizes[1] + tap.output_row) * y.sizes[2] + tap.output_column) * outputs];
    for (int64_t group = 0; group < groups; ++group)
      for (int64_t i = 0; i < inputs; ++i)
        for (int64_t o = group * per_group; o < (group + 1) * per_group; ++o)
          out[o] += pixel[group * inputs + i] * taps[i * outputs + o];
  });
}

}  // namespace

std::vector<OpDef> conv2d_ops() {
  std::vector<AttributeDef> attributes = convolution_attributes();
  attributes.push_back({"input_dilation", AttributeKind::integers,
                        "distance of the input's elements, zeros between them", Attribute{Integers{1, 1}}, 1,
                        int64_t{1} << 20});
  return {
      {.name = "conv2d",
       .op_class = OpClass::contraction,
       .doc = "Two-dimensional convolution (cross-correlation, as everywhere in this field), channels last: "
              "`y[b, i, j, o] = sum over u, v, c of x[b, i*stride + u*dilation - top, j*stride + v*dilation - left, c] "
              "kernel[u, v, c, o]`, zero outside the image. Of bf16 the products are added up in f32, and so is the "
              "result.",
       .operands = {{"x", "[B, H, W, C]"}, {"kernel", "[kh, kw, C / groups, output channels]"}},
       .attributes = std::move(attributes),
       .infer = infer,
       .gradient = gradient,
       .evaluate = evaluate}};
}

}  // namespace netc::ops
