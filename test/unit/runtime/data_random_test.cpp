// The runtime's Philox against the known-answer vectors of its authors (Random123, kat_vectors: philox4x32 10) and
// against the definition the compiler uses.
#include "runtime/random.h"

#include <gtest/gtest.h>

#include "ir/philox.h"

namespace netc::runtime {
namespace {

TEST(Random, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (PhiloxWords{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxWords{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxWords{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, AgreesWithTheCompiler) {
  for (uint32_t i = 0; i < 100; ++i) {
    PhiloxWords counter{i, i * 2654435761u, ~i, i << 7};
    EXPECT_EQ(philox(counter, {i * 40503u, i}), philox4x32(counter, {i * 40503u, i}));
  }
}

TEST(Random, UniformIsBelowOne) {
  EXPECT_EQ(uniform(0), 0.0f);
  EXPECT_LT(uniform(0xffffffff), 1.0f);
}

}  // namespace
}  // namespace netc::runtime
