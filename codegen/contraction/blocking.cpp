#include "codegen/contraction/blocking.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace netc::contraction {

namespace {

constexpr int64_t kMostVectors = 4;
constexpr int64_t kMostRows = 16;
constexpr int64_t kLeastRowsOfTwo = 4;
// Entering a tile, its epilogue, and what each further shape of tile costs in the instruction cache.
constexpr double kTileCycles = 20;
constexpr double kShapePenalty = 1.01;

}  // namespace

int64_t most_rows(const Target &target, int64_t vectors) {
  int64_t registers = target.vector_registers;
  int64_t broadcast = 1;
  // Of few registers the allocator does not find the last one; without multiply-add a product needs another.
  int64_t spare = (target.vector_registers <= 16 ? 1 : 0) + (target.has_fma ? 0 : 1);
  return std::clamp<int64_t>((registers - vectors - broadcast - spare) / vectors, 1, kMostRows);
}

std::vector<Pieces> balanced(int64_t total, int64_t most) {
  int64_t count = (total + most - 1) / most;
  int64_t size = total / count;
  int64_t larger = total % count;
  std::vector<Pieces> pieces;
  if (larger > 0) pieces.push_back({0, size + 1, larger});
  pieces.push_back({larger * (size + 1), size, count - larger});
  return pieces;
}

Panels make_panels(int64_t columns, unsigned lanes, int64_t vectors) {
  Panels panels{columns, lanes, static_cast<unsigned>(vectors)};
  panels.whole = columns / panels.width();
  int64_t rest = columns - panels.rest_first();
  panels.rest_vectors = static_cast<unsigned>((rest + lanes - 1) / lanes);
  panels.rest_tail = static_cast<unsigned>(rest % lanes);
  return panels;
}

unsigned lanes_for(const Target &target, DType dtype, int64_t columns) {
  return static_cast<unsigned>(
      std::min<uint64_t>(target.lanes(dtype), std::bit_ceil(static_cast<uint64_t>(std::max<int64_t>(columns, 1)))));
}

double step_cycles(int64_t rows, int64_t vectors) {
  double products = static_cast<double>(rows * vectors) / 2;
  double loads = static_cast<double>(rows + vectors) / 2;
  constexpr double kLatency = 4;
  // Vectors of B come from the level-2 cache, where they are not quite free.
  return std::max({products, loads, kLatency}) + 0.9 * static_cast<double>(vectors);
}

Tiling choose_tiling(const Target &target, int64_t lines, int64_t length, int64_t columns, unsigned lanes,
                     int64_t steps) {
  Tiling best;
  double least = -1;
  int64_t all_vectors = (columns + lanes - 1) / lanes;
  auto tile_cost = [&](int64_t rows, int64_t vectors) {
    return kTileCycles + static_cast<double>(steps) * step_cycles(rows, vectors);
  };
  // An element of A should serve two vectors at least: one row more for each would not make up for it.
  int64_t least_vectors = all_vectors > 1 && most_rows(target, 2) >= kLeastRowsOfTwo ? 2 : 1;
  for (int64_t vectors = least_vectors; vectors <= std::min(kMostVectors, all_vectors); ++vectors) {
    Panels panels = make_panels(columns, lanes, vectors);
    int64_t budget = most_rows(target, vectors);
    for (int64_t most = 1; most <= std::min(budget, length); ++most) {
      std::vector<Pieces> pieces = balanced(length, most);
      if (pieces.front().size != most) continue;
      for (int64_t tile_lines = 1; tile_lines <= std::min(budget / most, lines); ++tile_lines) {
        int64_t shapes = 0;
        auto line_cost = [&](int64_t rows_of_tile) {
          double cost = 0;
          for (const Pieces &piece : pieces) {
            int64_t rows = rows_of_tile * piece.size;
            ++shapes;
            cost += static_cast<double>(piece.count) * static_cast<double>(panels.whole) * tile_cost(rows, vectors);
            if (panels.rest_vectors > 0) {
              cost += static_cast<double>(piece.count) * tile_cost(rows, panels.rest_vectors);
              shapes += panels.whole > 0 ? 1 : 0;
            }
          }
          return cost;
        };
        double cost = static_cast<double>(lines / tile_lines) * line_cost(tile_lines);
        if (lines % tile_lines != 0) cost += static_cast<double>(lines % tile_lines) * line_cost(1);
        for (int64_t shape = 1; shape < shapes; ++shape) cost *= kShapePenalty;
        // Of equally good tiles the longest: neighbours share cache lines.
        if (least < 0 || cost <= least) {
          least = cost;
          best = {vectors, tile_lines, most};
        }
      }
    }
  }
  return best;
}

PowerTile choose_power_tile(const Target &target, int64_t columns, unsigned lanes) {
  PowerTile best;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t vectors = 1; vectors <= std::min<int64_t>(kMostVectors, (columns + lanes - 1) / lanes); ++vectors) {
    Panels panels = make_panels(columns, lanes, vectors);
    auto rows = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(most_rows(target, vectors))));
    double rest = panels.rest_vectors > 0 ? step_cycles(rows, panels.rest_vectors) : 0;
    double cycles = (static_cast<double>(panels.whole) * step_cycles(rows, vectors) + rest) / static_cast<double>(rows);
    if (cycles >= least) continue;
    least = cycles;
    best = {panels, rows};
  }
  return best;
}

}  // namespace netc::contraction
