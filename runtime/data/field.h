// Field: a declared input or output of the network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace netc::runtime {

// `field` of docs/metadata.md.
struct Field {
  std::string name;
  bool is_class = false;
  std::string dtype;           // "f32", "i32"
  std::vector<int64_t> shape;  // without the batch
  int64_t classes = 0;         // of a class
};

}  // namespace netc::runtime
