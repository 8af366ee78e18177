#include "codegen/chunks.h"

#include <algorithm>
#include <limits>

namespace netc {

int64_t even_units(Dim units, int64_t most, int64_t multiple) {
  constexpr int64_t kMostCandidates = 1024;
  auto rounded_up = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  const int64_t all = rounded_up(units.size * (units.batch ? kTypicalBatch : 1), multiple);
  most = std::clamp<int64_t>(most / multiple, 1, all);
  int64_t best = most, least = std::numeric_limits<int64_t>::max();
  const int64_t fewest = std::max((most + 1) / 2, most - kMostCandidates);
  for (int64_t size = most; size >= fewest; --size) {
    int64_t first_half = rounded_up(all, size) / 2 * size;
    int64_t larger_half = std::max(first_half, all - first_half);
    if (larger_half >= least) continue;
    least = larger_half;
    best = size;
  }
  return best * multiple;
}

}  // namespace netc
