#include "runtime/data/array.h"

namespace netc::runtime {

std::string shape_text(const std::string &dtype, const std::vector<int64_t> &shape) {
  if (shape.empty()) return dtype;
  std::string text = dtype + "[";
  for (size_t axis = 0; axis < shape.size(); ++axis) text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

std::string element_type(const Array &array) {
  static const char *const names[] = {"f32", "u8", "i32"};
  return names[array.values.index()];
}

}  // namespace netc::runtime
