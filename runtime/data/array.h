// Array: all samples of one input or target, row-major, every sample of the same shape.
//
// Bytes stay bytes (60,000 images of 28x28 take 47 MB as u8, 188 MB as f32); they become f32 when a batch is made.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace netc::runtime {

struct Array {
  std::vector<int64_t> shape;  // of one sample, without the batch; {} is a scalar
  std::variant<std::vector<float>, std::vector<uint8_t>, std::vector<int32_t>> values;
  int64_t count = 0;  // samples; values hold count * elements()

  int64_t elements() const {
    int64_t product = 1;
    for (int64_t size : shape) product *= size;
    return product;
  }
};

// "f32[28, 28, 1]"; "f32" of a scalar.
std::string shape_text(const std::string &dtype, const std::vector<int64_t> &shape);
// "f32", "u8" or "i32".
std::string element_type(const Array &array);

}  // namespace netc::runtime
