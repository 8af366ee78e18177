// Numbers of binary files: raw bytes of some type and byte order into an Array.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/data/array.h"
#include "support/result.h"

namespace netc::runtime {

enum class NumberKind { unsigned_integer, signed_integer, real, brain };  // brain: bf16

struct NumberType {
  NumberKind kind = NumberKind::unsigned_integer;
  int64_t size = 1;  // in bytes: integers 1, 2, 4, 8; reals 2, 4, 8
  bool big_endian = false;
};

// product * factor, or nothing when it is negative or does not fit.
std::optional<int64_t> checked_multiply(int64_t product, int64_t factor);

// Fails unless `found` bytes are those of an array of this shape.
Result<void> check_array_size(const std::string &name, int64_t found, NumberType type,
                              const std::vector<int64_t> &shape);

// `bytes` begin at byte `offset` of the file `name` (for errors) and hold an array of this shape, samples first; an
// error when they are more or fewer. Unsigned bytes stay bytes, other integers become i32 (an error when one does not
// fit), reals f32 (a finite one that does not fit becomes an infinity, which check_finite finds).
Result<Array> decode_numbers(const std::string &name, std::string_view bytes, NumberType type,
                             std::vector<int64_t> shape, int64_t offset);

// The array as class numbers i32: any integers, or reals that are whole. `what` is "labels.npy".
// Errors when it is not one number a sample or, with class_count > 0, a number is outside 0 .. class_count-1.
Result<Array> as_classes(const std::string &what, Array array, int64_t class_count);
// The array as f32 targets.
Array as_reals(Array array);
// How errors name a number of samples: "60000 samples".
std::string samples_text(int64_t count);

}  // namespace netc::runtime
