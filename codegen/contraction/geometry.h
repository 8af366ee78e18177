// The arithmetic of a convolution along one axis, with every stride and dilation taken out.
//
// Output `o` reads the input at (o * stride + tap * dilation - padding) / input_dilation, where that is whole. Outputs
// whose residues agree read the same taps, so the axis falls into `input_dilation / gcd` phases; inside a
// phase neighbouring outputs, and neighbouring taps, read the input at constant steps. A convolution without input
// dilation has one phase; the gradient of a strided one has as many as the stride.
#pragma once

#include <cstdint>
#include <vector>

namespace netc::contraction {

struct ConvolutionAxis {
  int64_t input = 1, output = 1, kernel = 1;  // sizes
  int64_t stride = 1, padding_low = 0, dilation = 1, input_dilation = 1;
};

struct AxisPhase {
  int64_t first_output = 0, output_step = 1, outputs = 0;
  int64_t first_tap = 0, tap_step = 1, taps = 0;
  int64_t first_input = 0;  // read by the first output through the first tap; may be negative
  int64_t input_per_output = 1, input_per_tap = 1;
};
std::vector<AxisPhase> axis_phases(const ConvolutionAxis &axis);

// The positions of the input that are read: from `low` to `high`, both inside; outside of 0 .. input - 1 they are
// zeros.
struct Range {
  int64_t low = 0, high = 0;
};
Range read_range(const std::vector<AxisPhase> &phases);

}  // namespace netc::contraction
