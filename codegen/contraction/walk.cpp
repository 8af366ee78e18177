#include "codegen/contraction/walk.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "codegen/contraction/walk_channels.h"

namespace netc::contraction {

namespace {

// Multiply-adds of a tile, which is straight code: for each channel of a group, and all.
constexpr int64_t kMostMeetingsOfChannel = 320, kMostMeetings = 1536;
constexpr int64_t kMostTaps = 64, kMostTapsAndChannels = 160;
// What the epilogue of a large tile reads and writes lies in too many places for prefetching to follow, unless there is
// more to compute in between: for each channel of a group, and all.
constexpr int64_t kMostOutputsOfChannel = 8, kMostOutputs = 24;

// The outputs and taps of one axis that meet at an input.
struct AxisStep {
  int64_t input = 0;
  std::vector<std::pair<int64_t, int64_t>> meetings;
};

std::vector<AxisStep> axis_steps(const ConvolutionAxis &axis, int64_t outputs) {
  std::vector<AxisStep> steps;
  for (int64_t output = 0; output < outputs; ++output)
    for (int64_t tap = 0; tap < axis.kernel; ++tap) {
      int64_t position = output * axis.stride + tap * axis.dilation - axis.padding_low;
      if (position % axis.input_dilation != 0) continue;
      int64_t input = position / axis.input_dilation;
      auto step = std::ranges::lower_bound(steps, input, {}, &AxisStep::input);
      if (step == steps.end() || step->input != input) step = steps.insert(step, {input, {}});
      step->meetings.emplace_back(output, tap);
    }
  return steps;
}

// What a tile costs besides its steps, a step at least, and permuting channels where a multiply-add waits for that, in
// cycles.
constexpr double kWalkCycles = 6, kStepCycles = 1, kPermutationCycles = 0.5;
// A row of inputs comes from the second-level cache, be it that the tile above has read it; for each cache line.
constexpr double kLineCycles = 0.35;

struct WalkEstimate {
  int64_t registers = 0, meetings = 0;
  double cycles = 0;
};

// Counts the registers that outputs and taps take at the same time, and what has to be loaded.
WalkEstimate estimate_walk(const Walk &walk, const Convolution &convolution, const Target &target) {
  std::vector<bool> outputs(static_cast<size_t>(walk.outputs())), taps(static_cast<size_t>(walk.taps));
  double permutation = permutes_channels(convolution) ? kPermutationCycles : 0;
  WalkEstimate estimate;
  int64_t alive = 0;
  auto meet = [&](std::vector<bool> &known, int64_t i) {
    if (!known[static_cast<size_t>(i)]) ++alive;
    known[static_cast<size_t>(i)] = true;
  };
  estimate.cycles = kWalkCycles;
  for (const WalkStep &step : walk.steps) {
    for (const WalkStep::Meeting &meeting : step.meetings) {
      meet(outputs, meeting.output);
      meet(taps, meeting.tap);
    }
    auto meetings = static_cast<int64_t>(step.meetings.size());
    estimate.meetings += meetings;
    estimate.cycles += std::max(kStepCycles, static_cast<double>(meetings) / 2 + permutation);
    estimate.registers = std::max(estimate.registers, alive + 1);
    alive -= static_cast<int64_t>(step.last_of_outputs.size() + step.last_of_taps.size());
  }
  if (walk.steps.empty()) return estimate;
  int64_t rows = walk.steps.back().row - walk.steps.front().row + 1;
  double columns =
      static_cast<double>(walk.columns * convolution.x.stride) / static_cast<double>(convolution.x.input_dilation);
  double lines_of_vector = static_cast<double>(target.lanes(convolution.dtype) * byte_size(convolution.dtype)) / 64;
  estimate.cycles += kLineCycles * lines_of_vector * static_cast<double>(rows) * columns;
  return estimate;
}

}  // namespace

int64_t walk_period(const ConvolutionAxis &axis) {
  return axis.input_dilation / std::gcd(axis.stride, axis.input_dilation);
}

int64_t walk_input(const ConvolutionAxis &axis, int64_t output) { return output * axis.stride / axis.input_dilation; }

Walk make_walk(const Convolution &convolution, int64_t rows, int64_t columns) {
  const int64_t channels = convolution.input_channels;
  Walk walk{rows, columns, convolution.y.kernel * convolution.x.kernel * channels, {}, {}};
  std::vector<AxisStep> in_column = axis_steps(convolution.y, rows), in_row = axis_steps(convolution.x, columns);
  std::vector<size_t> last_of_outputs(static_cast<size_t>(rows * columns), SIZE_MAX),
      last_of_taps(static_cast<size_t>(walk.taps), SIZE_MAX);
  auto visit = [&](const AxisStep &y, const AxisStep &x, int64_t channel) {
    WalkStep step{y.input, x.input, channel, {}, {}, {}};
    for (auto [row, tap_row] : y.meetings)
      for (auto [column, tap_column] : x.meetings) {
        int64_t tap = tap_row * convolution.x.kernel + tap_column;
        step.meetings.push_back({row * columns + column, tap * channels + channel});
        last_of_outputs[static_cast<size_t>(step.meetings.back().output)] = walk.steps.size();
        last_of_taps[static_cast<size_t>(step.meetings.back().tap)] = walk.steps.size();
      }
    walk.steps.push_back(std::move(step));
  };
  for (int64_t channel = 0; channel < channels; ++channel)
    for (const AxisStep &y : in_column)
      for (const AxisStep &x : in_row) visit(y, x, channel);
  for (size_t i = 0; i < last_of_outputs.size(); ++i)
    (last_of_outputs[i] == SIZE_MAX ? walk.alone : walk.steps[last_of_outputs[i]].last_of_outputs)
        .push_back(static_cast<int64_t>(i));
  for (size_t i = 0; i < last_of_taps.size(); ++i)
    if (last_of_taps[i] != SIZE_MAX) walk.steps[last_of_taps[i]].last_of_taps.push_back(static_cast<int64_t>(i));
  return walk;
}

std::vector<Pieces> walk_pieces(const ConvolutionAxis &axis, int64_t most) {
  int64_t period = walk_period(axis), whole = axis.output / period, rest = axis.output % period;
  std::vector<Pieces> pieces;
  if (whole > 0) pieces = balanced(whole, std::max<int64_t>(1, most / period));
  for (Pieces &piece : pieces) piece.first *= period, piece.size *= period;
  if (rest > 0) pieces.push_back({whole * period, rest, 1});
  return pieces;
}

WalkPieces choose_walk(const Convolution &convolution, const Target &target) {
  WalkPieces best;
  double least = std::numeric_limits<double>::infinity();
  int64_t budget = target.vector_registers - 1 - (target.has_fma ? 0 : 1);
  int64_t row_period = walk_period(convolution.y), column_period = walk_period(convolution.x);
  int64_t most_meetings = std::min(kMostMeetingsOfChannel * convolution.input_channels, kMostMeetings);
  int64_t most_outputs = std::min(kMostOutputsOfChannel * convolution.input_channels, kMostOutputs);
  // The smallest tile will do where none fits.
  auto consider = [&](int64_t rows, int64_t columns, bool always) {
    WalkPieces pieces{walk_pieces(convolution.y, rows), walk_pieces(convolution.x, columns)};
    WalkEstimate all;
    for (const Pieces &y : pieces.rows)
      for (const Pieces &x : pieces.columns) {
        WalkEstimate tile = estimate_walk(make_walk(convolution, y.size, x.size), convolution, target);
        all.cycles += static_cast<double>(y.count * x.count) * tile.cycles;
        all.registers = std::max(all.registers, tile.registers);
        all.meetings = std::max(all.meetings, tile.meetings);
      }
    bool fits = all.registers <= budget && all.meetings <= most_meetings;
    if (!always && (!fits || all.cycles >= least)) return;
    if (fits) least = all.cycles;
    best = std::move(pieces);
  };
  consider(row_period, column_period, true);
  for (int64_t rows = row_period; rows <= most_outputs; rows += row_period)
    for (int64_t columns = column_period; rows * columns <= most_outputs; columns += column_period)
      consider(rows, columns, false);
  return best;
}

bool has_walk(const Convolution &convolution, const Target &target) {
  int64_t taps = convolution.y.kernel * convolution.x.kernel;
  return has_walk_panels(convolution, target) && !target.small_code && !target.multiplies_pairs && taps <= kMostTaps &&
         taps * convolution.input_channels <= kMostTapsAndChannels &&
         walk_period(convolution.y) * walk_period(convolution.x) <= 16;
}

}  // namespace netc::contraction
