// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
// 3", SC 2011). A number depends on (seed, stream, step, element) alone, so masks need no storage and threads do not
// matter.
//
//   key     = (low 32 bits of seed, high 32 bits of seed)
//   counter = (c0, c1, stream, step)  with the 64-bit block number  c = (element >> 6 << 4) | (element & 15) in c0, c1
//   word    = (element >> 4) & 3: sixteen neighbouring elements use the same word of sixteen neighbouring counters
//   uniform = (word >> 8) * 2^-24, in [0, 1)
//
// The stream and step are taken modulo 2^32. The compiled code, the runtime and the evaluator all use these
// definitions.
#pragma once

#include <array>
#include <cstdint>

namespace netc {

inline std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t{0xD2511F53} * counter[0];
    uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

inline uint32_t philox_word(uint64_t seed, uint64_t stream, uint64_t step, uint64_t element) {
  uint64_t block = ((element >> 6) << 4) | (element & 15);
  auto words = philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                           static_cast<uint32_t>(stream), static_cast<uint32_t>(step)},
                          {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return words[(element >> 4) & 3];
}

inline double philox_uniform(uint64_t seed, uint64_t stream, uint64_t step, uint64_t element) {
  return static_cast<double>(philox_word(seed, stream, step, element) >> 8) * 0x1p-24;
}

}  // namespace netc
