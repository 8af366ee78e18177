// The random numbers of a search: counter-based (Philox), so that what trial 17 draws depends on the seed and on 17,
// not on what was drawn before.
#pragma once

#include <cstdint>

#include "ir/philox.h"

namespace netc::tune {

enum class Purpose : uint32_t { values = 1, model = 2, forest = 3 };

// In [0, 1), a multiple of 2^-53.
inline double draw(uint64_t seed, Purpose purpose, uint32_t trial, uint32_t dimension, uint32_t number) {
  auto words = philox4x32({number, dimension, trial, static_cast<uint32_t>(purpose)},
                          {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  uint64_t bits = (uint64_t{words[0]} << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace netc::tune
