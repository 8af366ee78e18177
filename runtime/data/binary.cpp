#include "runtime/data/binary.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace netc::runtime {
namespace {

uint64_t load(const char *bytes, NumberType type) {
  uint64_t value = 0;
  for (int64_t i = 0; i < type.size; ++i) {
    auto byte = static_cast<unsigned char>(bytes[type.big_endian ? i : type.size - 1 - i]);
    value = value << 8 | byte;
  }
  return value;
}

int64_t sign_extended(uint64_t value, int64_t size) {
  int shift = static_cast<int>(64 - 8 * size);
  return static_cast<int64_t>(value << shift) >> shift;
}

// IEEE 754 binary16, exactly.
float from_half(uint32_t half) {
  uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  float magnitude = exponent == 31
                        ? (fraction ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity())
                    : exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                                    : std::ldexp(static_cast<float>(fraction + 1024), static_cast<int>(exponent) - 25);
  return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
}

float real(const char *bytes, NumberType type) {
  uint64_t bits = load(bytes, type);
  if (type.kind == NumberKind::brain) return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
  if (type.size == 2) return from_half(static_cast<uint32_t>(bits));
  if (type.size == 4) return std::bit_cast<float>(static_cast<uint32_t>(bits));
  return static_cast<float>(std::bit_cast<double>(bits));
}

}  // namespace

std::optional<int64_t> checked_multiply(int64_t product, int64_t factor) {
  int64_t result = 0;
  if (product < 0 || factor < 0 || __builtin_mul_overflow(product, factor, &result)) return std::nullopt;
  return result;
}

std::string samples_text(int64_t count) { return std::to_string(count) + (count == 1 ? " sample" : " samples"); }

Result<void> check_array_size(const std::string &name, int64_t found, NumberType type,
                              const std::vector<int64_t> &shape) {
  std::optional<int64_t> expected = type.size;
  for (int64_t size : shape)
    if (expected) expected = checked_multiply(*expected, size);
  if (expected == found) return {};
  return fail(name + ": " + std::to_string(found) + " bytes of data, expected " +
                  (expected ? std::to_string(*expected) : std::string("more than 2^63")) + " for " +
                  shape_text("", shape),
              !expected || found < *expected ? "the file was not copied whole: get it again" : "");
}

Result<Array> decode_numbers(const std::string &name, std::string_view bytes, NumberType type,
                             std::vector<int64_t> shape, int64_t offset) {
  if (auto fits = check_array_size(name, static_cast<int64_t>(bytes.size()), type, shape); !fits)
    return tl::unexpected(fits.error());
  Array array;
  array.count = shape[0];
  array.shape.assign(shape.begin() + 1, shape.end());
  size_t numbers = bytes.size() / static_cast<size_t>(type.size);
  if (type.kind == NumberKind::unsigned_integer && type.size == 1) {
    array.values = std::vector<uint8_t>(bytes.begin(), bytes.end());
  } else if (type.kind == NumberKind::real || type.kind == NumberKind::brain) {
    std::vector<float> values(numbers);
    for (size_t i = 0; i < numbers; ++i) values[i] = real(bytes.data() + i * static_cast<size_t>(type.size), type);
    array.values = std::move(values);
  } else {
    std::vector<int32_t> values(numbers);
    for (size_t i = 0; i < numbers; ++i) {
      uint64_t bits = load(bytes.data() + i * static_cast<size_t>(type.size), type);
      bool is_signed = type.kind == NumberKind::signed_integer;
      int64_t value = is_signed ? sign_extended(bits, type.size) : static_cast<int64_t>(bits);
      if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max() ||
          (!is_signed && value < 0))
        return fail(name + ": the integer " + (is_signed ? std::to_string(value) : std::to_string(bits)) + " at byte " +
                        std::to_string(offset + static_cast<int64_t>(i) * type.size) + " does not fit 32 bits",
                    "store such numbers as f32 or f64");
      values[i] = static_cast<int32_t>(value);
    }
    array.values = std::move(values);
  }
  return array;
}

Result<Array> as_classes(const std::string &what, Array array, int64_t class_count) {
  if (array.elements() != 1)
    return fail(what + ": a class is one number a sample, found " + shape_text(element_type(array), array.shape),
                "one-hot labels need a target of type f32 and the loss categorical_crossentropy");
  std::vector<int32_t> classes(static_cast<size_t>(array.count));
  int64_t limit = class_count > 0 ? class_count : std::numeric_limits<int32_t>::max();
  for (size_t i = 0; i < classes.size(); ++i) {
    double value = std::visit([&](const auto &values) { return static_cast<double>(values[i]); }, array.values);
    if (value >= 0 && value < static_cast<double>(limit) && value == std::floor(value)) {
      classes[i] = static_cast<int32_t>(value);
      continue;
    }
    std::string text = value == std::floor(value) && std::fabs(value) < 1e15
                           ? std::to_string(static_cast<int64_t>(value))
                           : std::to_string(value);
    return fail(what + ": sample " + std::to_string(i) + ": the class " + text + " is not a whole number in 0 .. " +
                    std::to_string(limit - 1),
                class_count > 0
                    ? "the network has class[" + std::to_string(class_count) + "]; classes are numbered from 0"
                    : "");
  }
  array.shape = {};
  array.values = std::move(classes);
  return array;
}

Array as_reals(Array array) {
  if (std::holds_alternative<std::vector<float>>(array.values)) return array;
  std::vector<float> reals;
  std::visit([&](const auto &values) { reals.assign(values.begin(), values.end()); }, array.values);
  array.values = std::move(reals);
  return array;
}

}  // namespace netc::runtime
