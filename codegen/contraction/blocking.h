// How an output is cut into tiles: which tile shapes fit the registers, and which of them waste least. All decisions
// are made from the shapes and the target, before any code is emitted.
#pragma once

#include <cstdint>
#include <vector>

#include "codegen/target.h"

namespace netc::contraction {

// The most rows of a tile of `vectors` columns of vectors whose accumulators, one row of B and one broadcast element of
// A fit the registers. Beyond it the tile spills and loses 15 to 40 % of its speed.
int64_t most_rows(const Target &target, int64_t vectors);

// A stretch of an axis cut into `count` pieces of `size`, from `first` on.
struct Pieces {
  int64_t first = 0;
  int64_t size = 1;
  int64_t count = 1;
};
// `total` cut into as few pieces of at most `most` as will do, nearly equal: one or two sizes.
std::vector<Pieces> balanced(int64_t total, int64_t most);

// Columns of the result cut into panels of vectors: whole panels of `vectors`, then one narrower panel.
struct Panels {
  int64_t columns = 1;        // all of them
  unsigned lanes = 1;         // of a vector
  unsigned vectors = 1;       // of a whole panel
  int64_t whole = 0;          // how many whole panels
  unsigned rest_vectors = 0;  // of the last panel; 0: there is none
  unsigned rest_tail = 0;     // lanes inside in its last vector; 0: all

  int64_t width() const { return static_cast<int64_t>(lanes) * vectors; }
  int64_t rest_first() const { return whole * width(); }
};
Panels make_panels(int64_t columns, unsigned lanes, int64_t vectors);
// Lanes that suit a row of this many columns: a register, or the least power of two that holds them all.
unsigned lanes_for(const Target &target, DType dtype, int64_t columns);

// Estimated cycles of one step of the reduction of a tile: multiply-adds, loads and the latency of one chain.
double step_cycles(int64_t rows, int64_t vectors);

// The width of panels and the size of tiles for rows that lie on a line (`lines` of `length` each).
struct Tiling {
  int64_t vectors = 1;
  int64_t tile_lines = 1;   // rows of a tile come from this many lines ...
  int64_t tile_length = 1;  // ... and at most so many of each
};
Tiling choose_tiling(const Target &target, int64_t lines, int64_t length, int64_t columns, unsigned lanes,
                     int64_t steps);

// The tile of least estimated cycles whose rows are a power of two, as images and their tiles are more often than not.
struct PowerTile {
  Panels panels;
  int64_t rows = 1;
};
PowerTile choose_power_tile(const Target &target, int64_t columns, unsigned lanes);

}  // namespace netc::contraction
