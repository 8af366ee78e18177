// A dense row-major array of doubles: what the reference evaluator computes with.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/type.h"

namespace netc {

struct Tensor {
  DType dtype = DType::f32;
  std::vector<int64_t> sizes;
  std::vector<double> data;

  int64_t count() const {
    int64_t n = 1;
    for (int64_t s : sizes) n *= s;
    return n;
  }
  static Tensor zeros(DType dtype, std::vector<int64_t> sizes) {
    Tensor t{dtype, std::move(sizes), {}};
    t.data.assign(static_cast<size_t>(t.count()), 0.0);
    return t;
  }
};

}  // namespace netc
