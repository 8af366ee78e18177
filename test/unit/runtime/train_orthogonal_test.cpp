#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "runtime/abi.h"

namespace {

std::vector<float> orthogonal(int64_t rows, int64_t columns, uint64_t seed = 7, uint64_t stream = 3) {
  std::vector<float> out(rows * columns);
  nc_orthogonal(out.data(), rows, columns, seed, stream, 0);
  return out;
}

TEST(Orthogonal, ColumnsOrRowsAreOrthonormal) {
  for (auto [rows, columns] : {std::pair{5, 5}, {40, 7}, {7, 40}, {1, 1}, {64, 64}, {3, 1}}) {
    std::vector<float> q = orthogonal(rows, columns);
    bool by_column = rows >= columns;
    int vectors = by_column ? columns : rows, length = by_column ? rows : columns;
    auto at = [&](int vector, int i) { return by_column ? q[i * columns + vector] : q[vector * columns + i]; };
    for (int a = 0; a < vectors; ++a) {
      for (int b = 0; b <= a; ++b) {
        double sum = 0;
        for (int i = 0; i < length; ++i) sum += double{at(a, i)} * at(b, i);
        ASSERT_NEAR(sum, a == b ? 1 : 0, 1e-6) << rows << "x" << columns << ": " << a << "." << b;
      }
    }
  }
}

TEST(Orthogonal, DependsOnSeedAndStreamAndIsUnbiased) {
  EXPECT_EQ(orthogonal(4, 4), orthogonal(4, 4));
  EXPECT_NE(orthogonal(4, 4), orthogonal(4, 4, 8));
  EXPECT_NE(orthogonal(4, 4), orthogonal(4, 4, 7, 4));
  // With the signs fixed by R, entries of Q are distributed symmetrically: without, the diagonal would be mostly
  // negative.
  int positive = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) positive += orthogonal(3, 3, seed)[0] > 0;
  EXPECT_NEAR(positive, 200, 50);
}

}  // namespace
