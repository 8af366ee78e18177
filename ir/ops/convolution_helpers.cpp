#include "ir/ops/convolution_helpers.h"

namespace netc::ops {

using Integers = std::vector<int64_t>;

ConvolutionAxes convolution_axes(const Attributes &attributes, const std::array<int64_t, 2> &sizes,
                                 const std::array<int64_t, 2> &kernel) {
  auto list = [&](std::string_view name) -> const Integers & {
    return std::get<Integers>(attributes.find(name)->second);
  };
  ConvolutionAxes axes;
  for (size_t i = 0; i < 2; ++i)
    axes[i] = {.size = sizes[i],
               .kernel = kernel[i],
               .stride = list("strides")[i],
               .before = list("padding")[2 * i],
               .after = list("padding")[2 * i + 1],
               .dilation = list("dilation")[i],
               .input_dilation = attributes.count("input_dilation") ? list("input_dilation")[i] : 1};
  return axes;
}

std::vector<AttributeDef> convolution_attributes() {
  constexpr int64_t limit = int64_t{1} << 20;
  return {{"strides", AttributeKind::integers, "[vertical, horizontal]", Attribute{Integers{1, 1}}, 1, limit},
          {"padding", AttributeKind::integers, "zeros at [top, bottom, left, right]; negative crops",
           Attribute{Integers{0, 0, 0, 0}}, -limit, limit},
          {"dilation", AttributeKind::integers, "distance of the kernel's taps", Attribute{Integers{1, 1}}, 1, limit},
          {"groups", AttributeKind::integer, "the channels are cut into so many independent convolutions",
           Attribute{int64_t{1}}, 1}};
}

Result<void> check_convolution(const InferContext &c, const Type &image, const std::array<int64_t, 2> &kernel) {
  NETC_TRY(need_length(c.op, "strides", c.get<Integers>("strides").size(), 2));
  NETC_TRY(need_length(c.op, "padding", c.get<Integers>("padding").size(), 4));
  NETC_TRY(need_length(c.op, "dilation", c.get<Integers>("dilation").size(), 2));
  if (c.attributes.count("input_dilation"))
    NETC_TRY(need_length(c.op, "input_dilation", c.get<Integers>("input_dilation").size(), 2));
  int64_t channels = image.shape[3].size;
  if (auto groups = c.get<int64_t>("groups"); channels % groups != 0)
    return fail(fmt::format("{}: {} input channels cannot be cut into {} groups", c.op, channels, groups));
  constexpr int64_t limit = int64_t{1} << 20;
  for (int64_t size : {image.shape[1].size, image.shape[2].size, kernel[0], kernel[1]})
    if (size > limit) return fail(fmt::format("{}: a size of {} is more than an image may have", c.op, size));
  ConvolutionAxes axes = convolution_axes(c.attributes, {image.shape[1].size, image.shape[2].size}, kernel);
  if (axes[0].padded() < axes[0].reach() || axes[1].padded() < axes[1].reach())
    return fail(
        fmt::format("{}: the window {} x {} is larger than the image {} x {}{}", c.op, axes[0].reach(), axes[1].reach(),
                    std::max<int64_t>(axes[0].padded(), 0), std::max<int64_t>(axes[1].padded(), 0),
                    axes[0].padded() != axes[0].size || axes[1].padded() != axes[1].size ? " (padded)" : ""),
        "a smaller kernel_size, or padding = same, would fit");
  return {};
}

ValueId convolution_input_gradient(Builder &b, const Op &op, Type x, ValueId kernel, ValueId dy) {
  const Shape kernel_shape = b.type(kernel).shape, dy_shape = b.type(dy).shape;
  ConvolutionAxes axes =
      convolution_axes(op.attributes, {x.shape[1].size, x.shape[2].size}, {kernel_shape[0].size, kernel_shape[1].size});
  Integers strides, padding, input_dilation;
  for (size_t i = 0; i < 2; ++i) {
    const ConvolutionAxis &axis = axes[i];
    int64_t spread = (dy_shape[i + 1].size - 1) * axis.stride + 1;
    int64_t before = axis.reach() - 1 - axis.before;
    strides.push_back(axis.input_dilation);
    input_dilation.push_back(axis.stride);
    padding.push_back(before);
    // So that exactly axis.size elements come out, input_dilation apart.
    padding.push_back((axis.size - 1) * axis.input_dilation + axis.reach() - spread - before);
  }
  auto groups = op.get<int64_t>("groups");
  return b.emit("conv2d", {dy, flipped_kernel(b, kernel, groups)},
                {{"strides", strides},
                 {"padding", padding},
                 {"dilation", op.get<Integers>("dilation")},
                 {"input_dilation", input_dilation},
                 {"groups", groups}});
}

}  // namespace netc::ops
