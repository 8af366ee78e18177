// Pooling over windows of an image, and its gradients.
#include <array>
#include <cmath>
#include <limits>

#include "ir/ops/evaluate_helpers.h"
#include "ir/ops/gradient_helpers.h"
#include "ir/ops/registry.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {
namespace {

using Integers = std::vector<int64_t>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One spatial axis: output o covers input [o * stride - before, o * stride - before + window).
struct PoolAxis {
  int64_t size, window, stride, before, after;
  int64_t output() const { return (size + before + after - window) / stride + 1; }
  int64_t begin(int64_t o) const { return o * stride - before; }
  bool padded() const { return before > 0 || after > 0; }
};

PoolAxis pool_axis(const Attributes &attributes, int64_t size, size_t axis) {
  auto list = [&](std::string_view name) -> const Integers & {
    return std::get<Integers>(attributes.find(name)->second);
  };
  return {size, list("pool_size")[axis], list("strides")[axis], list("padding")[2 * axis],
          list("padding")[2 * axis + 1]};
}

std::vector<AttributeDef> pool_attributes() {
  constexpr int64_t limit = int64_t{1} << 20;
  return {{"pool_size", AttributeKind::integers, "the window, [height, width]", std::nullopt, 1, limit},
          {"strides", AttributeKind::integers, "[vertical, horizontal]", std::nullopt, 1, limit},
          {"padding", AttributeKind::integers, "at [top, bottom, left, right], smaller than the window",
           Attribute{Integers{0, 0, 0, 0}}, 0, limit}};
}

// The shape of the pooled image.
Result<Shape> pooled_shape(const InferContext &c, const Type &image) {
  NETC_TRY(need_image(c.op, image));
  NETC_TRY(need_length(c.op, "pool_size", c.get<Integers>("pool_size").size(), 2));
  NETC_TRY(need_length(c.op, "strides", c.get<Integers>("strides").size(), 2));
  NETC_TRY(need_length(c.op, "padding", c.get<Integers>("padding").size(), 4));
  Shape shape = image.shape;
  PoolAxis axes[2] = {pool_axis(c.attributes, shape[1].size, 0), pool_axis(c.attributes, shape[2].size, 1)};
  for (const PoolAxis &axis : axes)
    if (axis.before >= axis.window || axis.after >= axis.window)
      return fail(
          fmt::format("{}: the padding must be smaller than the window {} x {}", c.op, axes[0].window, axes[1].window));
  for (size_t i = 0; i < 2; ++i) {
    if (axes[i].size + axes[i].before + axes[i].after < axes[i].window)
      return fail(fmt::format("{}: the window {} x {} is larger than the image {} x {}", c.op, axes[0].window,
                              axes[1].window, axes[0].size, axes[1].size),
                  "a smaller pool_size would fit");
    shape[i + 1].size = axes[i].output();
  }
  return shape;
}

Types infer_forward(const InferContext &c) {
  auto shape = pooled_shape(c, c.operands[0]);
  if (!shape) return tl::unexpected(shape.error());
  return one(c.operands[0].dtype, std::move(*shape));
}
Types infer_max_backward(const InferContext &c) {
  NETC_TRY(same_dtype(c.op, c.operands[0], c.operands[1]));
  auto shape = pooled_shape(c, c.operands[1]);
  if (!shape) return tl::unexpected(shape.error());
  if (c.operands[0].shape != *shape)
    return fail(fmt::format("{}: the gradient should be {}, got {}", c.op, to_string(Type{c.operands[0].dtype, *shape}),
                            to_string(c.operands[0])));
  return one(c.operands[1]);
}
Types infer_average_backward(const InferContext &c) {
  NETC_TRY(need_image(c.op, c.operands[0]));
  const auto &size = c.get<Integers>("input_size");
  NETC_TRY(need_length(c.op, "input_size", size.size(), 2));
  Type image = c.operands[0];
  image.shape[1].size = size[0];
  image.shape[2].size = size[1];
  auto shape = pooled_shape(c, image);
  if (!shape) return tl::unexpected(shape.error());
  if (c.operands[0].shape != *shape)
    return fail(fmt::format("{}: the gradient should be {}, got {}", c.op, to_string(Type{c.operands[0].dtype, *shape}),
                            to_string(c.operands[0])));
  return one(std::move(image));
}

// Reference evaluation. f(output offset, offsets of the window's elements inside the image in row-major order).
template <typename F>
void for_each_window(const Op &op, const std::vector<int64_t> &image, const std::vector<int64_t> &pooled, F f) {
  PoolAxis rows = pool_axis(op.attributes, image[1], 0), columns = pool_axis(op.attributes, image[2], 1);
  std::vector<int64_t> strides = row_major_strides(image), window;
  int64_t output = 0;
  for_each_index(pooled, [&](const std::vector<int64_t> &index) {
    window.clear();
    for (int64_t i = rows.begin(index[1]); i < rows.begin(index[1]) + rows.window; ++i)
      for (int64_t j = columns.begin(index[2]); j < columns.begin(index[2]) + columns.window; ++j)
        if (i >= 0 && i < image[1] && j >= 0 && j < image[2])
          window.push_back(offset_of(std::array<int64_t, 4>{index[0], i, j, index[3]}, strides));
    f(output++, static_cast<const std::vector<int64_t> &>(window));
  });
}

int64_t largest(const std::vector<double> &x, const std::vector<int64_t> &window) {
  int64_t best = window[0];
  for (int64_t place : window)
    if (x[place] > x[best]) best = place;
  return best;
}

void evaluate_max(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  for_each_window(c.op, x.sizes, c.results[0].sizes, [&](int64_t o, const std::vector<int64_t> &window) {
    double best = -kInfinity;
    for (int64_t place : window) best = std::isnan(best) || best > x.data[place] ? best : x.data[place];
    c.results[0].data[o] = best;
  });
}
void evaluate_average(EvaluateContext &c) {
  const Tensor &x = *c.operands[0];
  for_each_window(c.op, x.sizes, c.results[0].sizes, [&](int64_t o, const std::vector<int64_t> &window) {
    double sum = 0;
    for (int64_t place : window) sum += x.data[place];
    c.results[0].data[o] = sum / static_cast<double>(window.size());
  });
}
void evaluate_max_backward(EvaluateContext &c) {
  const Tensor &dy = *c.operands[0], &x = *c.operands[1];
  for_each_window(c.op, x.sizes, dy.sizes, [&](int64_t o, const std::vector<int64_t> &window) {
    c.results[0].data[largest(x.data, window)] += dy.data[o];
  });
}
void evaluate_average_backward(EvaluateContext &c) {
  const Tensor &dy = *c.operands[0];
  for_each_window(c.op, c.results[0].sizes, dy.sizes, [&](int64_t o, const std::vector<int64_t> &window) {
    for (int64_t place : window) c.results[0].data[place] += dy.data[o] / static_cast<double>(window.size());
  });
}

// Lowerings.
struct Window {
  PoolAxis rows, columns;
  std::vector<Dim> extents;
};
Window window_of(const Op &op, int64_t height, int64_t width) {
  Window w{pool_axis(op.attributes, height, 0), pool_axis(op.attributes, width, 1), {}};
  w.extents = {Dim{w.rows.window}, Dim{w.columns.window}};
  return w;
}
// The element of the image under element (i, j) of the window of a pooled element.
std::array<Index, 4> place_in(KernelBuilder &k, const Window &w, std::span<const Index> pooled,
                              std::span<const Index> inner) {
  auto along = [&](const PoolAxis &axis, Index o, Index i) {
    return k.add(k.add(k.scale(o, axis.stride), i), k.index(-axis.before));
  };
  return {pooled[0], along(w.rows, pooled[1], inner[0]), along(w.columns, pooled[2], inner[1]), pooled[3]};
}
// How many elements of a window lie inside the image along one axis.
Scalar count_inside(KernelBuilder &k, const PoolAxis &axis, Index o, DType dtype) {
  if (!axis.padded()) return k.constant(dtype, static_cast<double>(axis.window));
  Scalar begin = k.number(k.add(k.scale(o, axis.stride), k.index(-axis.before)), dtype);
  Scalar end = k.binary(Binary::add, begin, k.constant(dtype, static_cast<double>(axis.window)));
  Scalar inside_begin = k.binary(Binary::maximum, begin, k.constant(dtype, 0));
  Scalar inside_end = k.binary(Binary::minimum, end, k.constant(dtype, static_cast<double>(axis.size)));
  return k.binary(Binary::subtract, inside_end, inside_begin);
}
// In f32 even for bf16, which cannot count far.
Scalar divided_by_count(KernelBuilder &k, const Window &w, std::span<const Index> pooled, Scalar x) {
  DType dtype = k.dtype(x), number = dtype == DType::f64 ? DType::f64 : DType::f32;
  Scalar count = k.binary(Binary::multiply, count_inside(k, w.rows, pooled[1], number),
                          count_inside(k, w.columns, pooled[2], number));
  return k.cast(k.binary(Binary::divide, k.cast(x, number), count), dtype);
}

Scalar pull_max(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  Type image = k.operand_type(0);
  Window w = window_of(op, image.shape[1].size, image.shape[2].size);
  return k.reduce(Reduction::maximum, w.extents, [&](std::span<const Index> inner) {
    auto place = place_in(k, w, index, inner);
    return w.rows.padded() || w.columns.padded() ? k.load_or(0, place, k.constant(image.dtype, -kInfinity))
                                                 : k.load(0, place);
  });
}
Scalar pull_average(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  Type image = k.operand_type(0);
  Window w = window_of(op, image.shape[1].size, image.shape[2].size);
  Scalar sum = k.reduce(Reduction::sum, w.extents, [&](std::span<const Index> inner) {
    auto place = place_in(k, w, index, inner);
    return w.rows.padded() || w.columns.padded() ? k.load_or(0, place, k.constant(image.dtype, 0)) : k.load(0, place);
  });
  return divided_by_count(k, w, index, sum);
}
// The place of the maximum is found again rather than stored.
void push_max_backward(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  Type image = k.operand_type(1);
  Window w = window_of(op, image.shape[1].size, image.shape[2].size);
  Scalar dy = k.load(0, index), zero = k.constant(image.dtype, 0);
  Scalar winner = k.reduce(Reduction::argmax, w.extents, [&](std::span<const Index> inner) {
    return k.load_or(1, place_in(k, w, index, inner), k.constant(image.dtype, -kInfinity));
  });
  k.for_each(w.extents, [&](std::span<const Index> inner) {
    Scalar number = k.number(k.add(k.scale(inner[0], w.columns.window), inner[1]), DType::i32);
    k.accumulate(place_in(k, w, index, inner), k.select(k.binary(Binary::equal, number, winner), dy, zero));
  });
}
void push_average_backward(KernelBuilder &k, const Op &op, std::span<const Index> index) {
  Type image = k.result_type();
  Window w = window_of(op, image.shape[1].size, image.shape[2].size);
  Scalar share = divided_by_count(k, w, index, k.load(0, index));
  k.for_each(w.extents, [&](std::span<const Index> inner) { k.accumulate(place_in(k, w, index, inner), share); });
}

// One window by itself (ir/window.h). bf16 is compared as f32: one conversion an element.
std::vector<Scalar> window_max(KernelBuilder &k, const Op &, std::span<const std::vector<Scalar>> operands) {
  DType dtype = k.dtype(operands[0][0]), number = sum_type(dtype);
  Scalar largest = k.cast(operands[0][0], number);
  for (Scalar x : std::span(operands[0]).subspan(1)) largest = k.binary(Binary::maximum, largest, k.cast(x, number));
  return {k.cast(largest, dtype)};
}
Scalar divided_by_places(KernelBuilder &k, const Op &op, Scalar x, DType dtype) {
  const auto &size = op.get<Integers>("pool_size");
  DType number = k.dtype(x);
  Scalar count = k.constant(number, static_cast<double>(size[0] * size[1]));
  return k.cast(k.binary(Binary::divide, x, count), dtype);
}
std::vector<Scalar> window_average(KernelBuilder &k, const Op &op, std::span<const std::vector<Scalar>> operands) {
  DType dtype = k.dtype(operands[0][0]);
  Scalar sum = k.cast(operands[0][0], sum_type(dtype));
  for (Scalar x : std::span(operands[0]).subspan(1)) sum = k.binary(Binary::add, sum, k.cast(x, sum_type(dtype)));
  return {divided_by_places(k, op, sum, dtype)};
}
// The maximum is at the last place that is greater than all before it, or at the first.
std::vector<Scalar> window_max_backward(KernelBuilder &k, const Op &, std::span<const std::vector<Scalar>> operands) {
  Scalar dy = operands[0][0];
  DType number = sum_type(k.dtype(operands[1][0]));
  Scalar zero = k.constant(k.dtype(dy), 0), largest = k.constant(number, -kInfinity);
  std::vector<Scalar> greater;
  for (Scalar element : operands[1]) {
    Scalar x = k.cast(element, number);
    greater.push_back(k.binary(Binary::greater, x, largest));
    largest = k.select(greater.back(), x, largest);
  }
  std::vector<Scalar> dx(greater.size());
  Scalar is_later = k.constant(DType::boolean, 0);
  for (size_t place = dx.size(); place-- > 1;) {
    Scalar is_here = k.binary(Binary::logical_and, greater[place], k.unary(Unary::logical_not, is_later));
    dx[place] = k.select(is_here, dy, zero);
    is_later = k.binary(Binary::logical_or, is_later, greater[place]);
  }
  dx[0] = k.select(is_later, zero, dy);
  return dx;
}
std::vector<Scalar> window_average_backward(KernelBuilder &k, const Op &op,
                                            std::span<const std::vector<Scalar>> operands) {
  DType dtype = k.dtype(operands[0][0]);
  Scalar share = divided_by_places(k, op, k.cast(operands[0][0], sum_type(dtype)), dtype);
  const auto &size = op.get<Integers>("pool_size");
  return std::vector<Scalar>(static_cast<size_t>(size[0] * size[1]), share);
}

void max_gradient(GradientContext &g) {
  g.add(0, g.builder.emit("max_pool2d_backward", {g.dy(), g.x(0)}, g.op.attributes));
}
void average_gradient(GradientContext &g) {
  Attributes attributes = g.op.attributes;
  const Shape &image = g.builder.type(g.x(0)).shape;
  attributes["input_size"] = Integers{image[1].size, image[2].size};
  g.add(0, g.builder.emit("average_pool2d_backward", {g.dy()}, attributes));
}
void average_backward_gradient(GradientContext &g) {
  Attributes attributes = g.op.attributes;
  attributes.erase("input_size");
  g.add(0, g.builder.emit("average_pool2d", {g.dy()}, attributes));
}

}  // namespace

std::vector<OpDef> pool2d_ops() {
  std::vector<AttributeDef> average_backward_attributes = pool_attributes();
  average_backward_attributes.push_back({"input_size", AttributeKind::integers, "[H, W] of the image that was pooled",
                                         std::nullopt, 1, int64_t{1} << 20});
  return {
      {.name = "max_pool2d",
       .op_class = OpClass::kernel,
       .doc = "The largest element of each window of each channel.",
       .operands = {{"x", "[B, H, W, C]"}},
       .attributes = pool_attributes(),
       .infer = infer_forward,
       .gradient = max_gradient,
       .evaluate = evaluate_max,
       .pull = pull_max,
       .window = window_max},
      {.name = "average_pool2d",
       .op_class = OpClass::kernel,
       .doc = "The mean of each window of each channel; the padding does not count.",
       .operands = {{"x", "[B, H, W, C]"}},
       .attributes = pool_attributes(),
       .infer = infer_forward,
       .gradient = average_gradient,
       .evaluate = evaluate_average,
       .pull = pull_average,
       .window = window_average},
      {.name = "max_pool2d_backward",
       .op_class = OpClass::kernel,
       .doc =
           "The gradient of `max_pool2d`: each `dy` goes to the largest element of its window, the first of equals in "
           "row-major order.",
       .operands = {{"dy", "the gradient of the pooled image"}, {"x", "the image that was pooled"}},
       .attributes = pool_attributes(),
       .infer = infer_max_backward,
       .evaluate = evaluate_max_backward,
       .push = push_max_backward,
       .window = window_max_backward},
      {.name = "average_pool2d_backward",
       .op_class = OpClass::kernel,
       .doc = "The gradient of `average_pool2d`: each `dy` is spread over the elements of its window in equal parts.",
       .operands = {{"dy", "the gradient of the pooled image"}},
       .attributes = std::move(average_backward_attributes),
       .infer = infer_average_backward,
       .gradient = average_backward_gradient,
       .evaluate = evaluate_average_backward,
       .push = push_average_backward,
       .window = window_average_backward},
  };
}

}  // namespace netc::ops
