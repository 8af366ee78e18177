// How units are cut into chunks.
#include "codegen/chunks.h"

#include <gtest/gtest.h>

namespace netc {
namespace {

int64_t rounded_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

TEST(Chunks, HalvesAreEqualWherePossible) {
  EXPECT_EQ(even_units({64, false}, 64), 32);
  EXPECT_EQ(even_units({64, false}, 24), 16);
  EXPECT_EQ(even_units({10, false}, 4), 4);  // 4 | 4, 2: nothing is better
  EXPECT_EQ(even_units({9, false}, 100), 5);
  EXPECT_EQ(even_units({1, false}, 10), 1);
  // Batches of 32 and more: whole images, as many in each half.
  EXPECT_EQ(even_units({1, true}, 5), 4);
  EXPECT_EQ(even_units({28, true}, 300), 224);
}

TEST(Chunks, StayWithinBounds) {
  for (bool batch : {false, true})
    for (int64_t units = 1; units < 200; ++units)
      for (int64_t most : {1, 2, 3, 7, 10, 64, 1000})
        for (int64_t multiple : {1, 16}) {
          int64_t size = even_units({units, batch}, most, multiple);
          EXPECT_GT(size, 0);
          EXPECT_EQ(size % multiple, 0);
          EXPECT_LE(size, std::max(most, multiple));
          // Not many more chunks than asked for.
          int64_t all = units * (batch ? kTypicalBatch : 1);
          int64_t whole = std::max(std::min(most, all) / multiple, int64_t{1}) * multiple;
          EXPECT_LE(rounded_up(all, size), 2 * rounded_up(all, whole)) << units << ' ' << most << ' ' << multiple;
        }
}

}  // namespace
}  // namespace netc
