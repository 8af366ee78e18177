// The order of work in a tile of a depthwise convolution, where a channel meets itself alone, or of one in small groups
// of channels: a rectangle of outputs walks through all of the inputs that it sees, row by row, and each of these is
// loaded once for all the outputs and taps that it meets: up to 9 multiply-adds a load where a kernel of 3 x 3 goes in
// steps of 1. It walks once for each channel of a group; the vectors hold those of several groups (walk_channels.h).
//
// The same walk serves all three convolutions. Forward, and the gradient of the input (all phases of a strided one in
// one tile), keep outputs and read taps; the gradient of the kernel keeps taps and reads outputs.
//
// Each output meets its taps in the order of memory, channel by channel, whatever the size of the tile: cutting the
// image differently changes no bit of a result.
#pragma once

#include <cstdint>
#include <vector>

#include "codegen/contraction/blocking.h"
#include "codegen/contraction/convolution.h"

namespace netc::contraction {

// Tiles begin at multiples of this, so that each has the outputs of all phases (geometry.h).
int64_t walk_period(const ConvolutionAxis &axis);
// By how much the inputs of a tile that begins at `output`, a multiple of the period, are ahead of those of the first.
int64_t walk_input(const ConvolutionAxis &axis, int64_t output);

// What is done with one input.
struct WalkStep {
  struct Meeting {
    int64_t output;  // row * columns + column, in the tile
    int64_t tap;     // (row * width + column) * channels + channel, in the kernel
  };
  int64_t row, column, channel;                        // of the input; the channel in its group
  std::vector<Meeting> meetings;                       // never empty
  std::vector<int64_t> last_of_outputs, last_of_taps;  // which no later step meets
};

struct Walk {
  int64_t rows = 1, columns = 1;  // of outputs
  int64_t taps = 1;               // of all channels of a group
  std::vector<WalkStep> steps;
  std::vector<int64_t> alone;  // outputs that meet nothing

  int64_t outputs() const { return rows * columns; }
};
Walk make_walk(const Convolution &convolution, int64_t rows, int64_t columns);

// An axis of outputs cut into pieces of at most `most` outputs, which begin at multiples of the period.
std::vector<Pieces> walk_pieces(const ConvolutionAxis &axis, int64_t most);

// The pieces of both axes whose tiles are estimated to take least time.
struct WalkPieces {
  std::vector<Pieces> rows, columns;
};
WalkPieces choose_walk(const Convolution &convolution, const Target &target);

// Whether tiles are made this way: small groups, a kernel small enough for straight code, and no products of pairs.
bool has_walk(const Convolution &convolution, const Target &target);

}  // namespace netc::contraction
