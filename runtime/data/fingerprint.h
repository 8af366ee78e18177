// Fingerprints: a number of 64 bits for the bytes of a text or a sample. Two that differ have the same one with a
// chance of about 2^-64.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "runtime/data/array.h"

namespace netc::runtime {

inline constexpr uint64_t kFirstFingerprint = 0x9E3779B97F4A7C15u;

inline uint64_t fingerprint(std::string_view bytes, uint64_t hash = kFirstFingerprint) {
  for (size_t at = 0; at < bytes.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
    hash = (hash ^ word) * 0x2545F4914F6CDD1Du;
    hash ^= hash >> 29;
  }
  return hash;
}

// Of the inputs of the sample at `position`.
inline uint64_t fingerprint(std::span<const Array> inputs, int64_t position) {
  uint64_t hash = kFirstFingerprint;
  for (const Array &array : inputs)
    std::visit(
        [&](const auto &values) {
          size_t width = static_cast<size_t>(array.elements()) * sizeof(values[0]);
          hash = fingerprint(
              {reinterpret_cast<const char *>(values.data()) + static_cast<size_t>(position) * width, width}, hash);
        },
        array.values);
  return hash;
}

}  // namespace netc::runtime
