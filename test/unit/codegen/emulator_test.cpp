// Says in the list of tests whether compiled AArch64 code was run.
#include <gtest/gtest.h>

#include "test/unit/codegen/loaded_object.h"

namespace netc::test {

TEST(Emulator, RunsAArch64Code) {
#ifndef __aarch64__
  if (!emulates_aarch64())
    GTEST_SKIP() << "AArch64 code is not tested: install g++-aarch64-linux-gnu and qemu-user, then run cmake again";
  EXPECT_EQ(runnable_targets().back().triple, "aarch64-linux-gnu");
#endif
}

}  // namespace netc::test
