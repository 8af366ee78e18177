#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "tools/netc/build.h"

namespace netc {
namespace {

TEST(RunProgram, GivesTheStatus) {
  EXPECT_EQ(run_program("/bin/sh", {"-c", "exit 5"}), 5);
  EXPECT_EQ(run_program("/bin/sh", {"-c", "kill -9 $$"}), 128 + 9);
  EXPECT_EQ(run_program("/nowhere/program", {}), 1);
}

TEST(RunProgram, HandsOnAnInterrupt) {
  // The program tells netc's process to interrupt itself once it is ready to be interrupted.
  EXPECT_EQ(run_program("/bin/sh", {"-c", "trap 'exit 42' INT; kill -INT $PPID; while :; do sleep 0.01; done"}), 42);
}

}  // namespace
}  // namespace netc
