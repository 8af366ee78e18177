// What conv2d and its gradients share: the window arithmetic of two axes.
//
// Along one spatial axis, with input size n spread out by zeros to (n - 1) * input_dilation + 1, the output element o
// reads
//   spread input [o * stride + k * dilation - padding_before]      for k in 0 ..< kernel_size.
#pragma once

#include <array>

#include "ir/ops/gradient_helpers.h"
#include "ir/ops/shape_helpers.h"

namespace netc::ops {

// One spatial axis: 0 the height, 1 the width.
struct ConvolutionAxis {
  int64_t size = 1;    // of the input
  int64_t kernel = 1;  // taps
  int64_t stride = 1;
  int64_t before = 0;  // padding; negative crops
  int64_t after = 0;
  int64_t dilation = 1;  // of the kernel
  int64_t input_dilation = 1;

  int64_t spread() const { return (size - 1) * input_dilation + 1; }
  int64_t reach() const { return (kernel - 1) * dilation + 1; }
  int64_t padded() const { return spread() + before + after; }
  int64_t output() const { return (padded() - reach()) / stride + 1; }  // valid where padded() >= reach()
};
using ConvolutionAxes = std::array<ConvolutionAxis, 2>;

// The axes from sizes and the attributes strides, padding, dilation and, where present, input_dilation.
ConvolutionAxes convolution_axes(const Attributes &attributes, const std::array<int64_t, 2> &sizes,
                                 const std::array<int64_t, 2> &kernel);

// Attributes strides, padding, dilation, groups that every convolution has.
std::vector<AttributeDef> convolution_attributes();
// Their lengths; that the kernel fits into the padded image; that `groups` divides the channels.
Result<void> check_convolution(const InferContext &c, const Type &image, const std::array<int64_t, 2> &kernel);

// One multiplication of a convolution that falls on an element of the input.
struct ConvolutionTap {
  int64_t output_row, output_column, kernel_row, kernel_column, row, column;
};
// Calls f(sample, tap) for all of them; `output` is the shape of the result, [B, H, W, C].
template <typename F>
void for_each_convolution_tap(const ConvolutionAxes &axes, const std::vector<int64_t> &output, F f);

// Appends the gradient of y = conv2d(x, kernel) with respect to x. `op` holds conv2d's attributes.
ValueId convolution_input_gradient(Builder &b, const Op &op, Type x, ValueId kernel, ValueId dy);

// The element of the input that output `o` reads through tap `k`; -1 where it is a zero.
inline int64_t tapped_element(const ConvolutionAxis &axis, int64_t o, int64_t k) {
  int64_t place = o * axis.stride + k * axis.dilation - axis.before;
  bool inside = place >= 0 && place < axis.spread() && place % axis.input_dilation == 0;
  return inside ? place / axis.input_dilation : -1;
}

template <typename F>
void for_each_convolution_tap(const ConvolutionAxes &axes, const std::vector<int64_t> &output, F f) {
  for (int64_t b = 0; b < output[0]; ++b)
    for (int64_t i = 0; i < output[1]; ++i)
      for (int64_t j = 0; j < output[2]; ++j)
        for (int64_t u = 0; u < axes[0].kernel; ++u)
          for (int64_t v = 0; v < axes[1].kernel; ++v) {
            int64_t row = tapped_element(axes[0], i, u), column = tapped_element(axes[1], j, v);
            if (row >= 0 && column >= 0) f(b, ConvolutionTap{i, j, u, v, row, column});
          }
}

}  // namespace netc::ops
