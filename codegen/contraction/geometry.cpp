#include "codegen/contraction/geometry.h"

#include <algorithm>
#include <numeric>

namespace netc::contraction {

std::vector<AxisPhase> axis_phases(const ConvolutionAxis &axis) {
  int64_t period = axis.input_dilation / std::gcd(axis.stride, axis.input_dilation);
  std::vector<AxisPhase> phases;
  for (int64_t first = 0; first < std::min(period, axis.output); ++first) {
    AxisPhase phase;
    phase.first_output = first;
    phase.output_step = period;
    phase.outputs = (axis.output - first + period - 1) / period;
    phase.input_per_output = period * axis.stride / axis.input_dilation;
    phase.tap_step = axis.input_dilation / std::gcd(axis.dilation, axis.input_dilation);
    phase.input_per_tap = phase.tap_step * axis.dilation / axis.input_dilation;
    for (int64_t tap = 0; tap < axis.kernel; ++tap) {
      int64_t position = first * axis.stride + tap * axis.dilation - axis.padding_low;
      if (position % axis.input_dilation != 0) continue;
      phase.first_tap = tap;
      phase.first_input = position / axis.input_dilation;
      phase.taps = (axis.kernel - tap + phase.tap_step - 1) / phase.tap_step;
      break;
    }
    phases.push_back(phase);
  }
  return phases;
}

Range read_range(const std::vector<AxisPhase> &phases) {
  Range range;
  bool first = true;
  for (const AxisPhase &phase : phases) {
    if (phase.taps == 0) continue;
    int64_t high =
        phase.first_input + (phase.outputs - 1) * phase.input_per_output + (phase.taps - 1) * phase.input_per_tap;
    range.low = first ? phase.first_input : std::min(range.low, phase.first_input);
    range.high = first ? high : std::max(range.high, high);
    first = false;
  }
  return range;
}

}  // namespace netc::contraction
