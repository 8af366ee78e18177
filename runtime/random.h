// Counter-based random numbers of the runtime: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011). A number depends on its counter and the seed alone, so the order of samples, splits and
// augmentation can be had for any epoch and sample without what came before, on any number of threads.
//
// The runtime depends on nothing of the compiler, so this is its own definition; known-answer vectors of the
// generator's authors and a comparison with ir/philox.h hold the two together (test/unit/runtime/data_random_test.cpp).
#pragma once

#include <array>
#include <cstdint>

namespace netc::runtime {

using PhiloxWords = std::array<uint32_t, 4>;

inline PhiloxWords philox(PhiloxWords counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t low = uint64_t{0xD2511F53} * counter[0];
    uint64_t high = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(high >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(high),
               static_cast<uint32_t>(low >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(low)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// What a random number is for. Generated code uses streams from 0; the runtime counts down from the top.
enum class RandomUse : uint32_t {
  shuffle = 0xFFFFFFFF,
  split = 0xFFFFFFFE,
  augment = 0xFFFFFFFD,
  shuffle_blocks = 0xFFFFFFF0
};

// Four words for the pair (step, element) of one use.
inline PhiloxWords random_words(uint64_t seed, RandomUse use, uint32_t step, uint64_t element) {
  return philox(
      {static_cast<uint32_t>(element), static_cast<uint32_t>(element >> 32), static_cast<uint32_t>(use), step},
      {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
}

// In [0, 1), a multiple of 2^-24.
inline float uniform(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

}  // namespace netc::runtime
