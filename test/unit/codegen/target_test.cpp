// Which processor the code is for, and what a program then says it needs.
#include "codegen/target.h"

#include <gtest/gtest.h>

#include "runtime/cpu_features.h"

namespace netc {
namespace {

std::string needs(const std::string &triple, const std::string &cpu) {
  auto target = make_target({triple, cpu});
  return target ? target->needed_features() : target.error().message;
}

TEST(Target, DefaultIsTheHighestLevelThatTheMachineHas) {
  auto has_up_to = [](std::string_view last) {
    return [last](std::string_view feature) {
      std::string all = NC_X86_64_V2_FEATURES " " NC_X86_64_V3_FEATURES " " NC_X86_64_V4_FEATURES;
      return all.find(feature) <= all.find(last);
    };
  };
  EXPECT_EQ(default_cpu(true, has_up_to("sse4.2")), "x86-64");
  EXPECT_EQ(default_cpu(true, has_up_to("popcnt")), "x86-64-v2");
  EXPECT_EQ(default_cpu(true, has_up_to("fma")), "x86-64-v2");
  EXPECT_EQ(default_cpu(true, has_up_to("movbe")), "x86-64-v3");
  EXPECT_EQ(default_cpu(true, has_up_to("avx512dq")), "x86-64-v3");
  EXPECT_EQ(default_cpu(true, has_up_to("avx512vl")), "x86-64-v4");
  EXPECT_EQ(default_cpu(true, [](auto feature) { return feature != "avx2"; }), "x86-64-v2");
  EXPECT_EQ(default_cpu(false, [](auto) { return true; }), "generic");
}

TEST(Target, DefaultOfATriple) {
  auto arm = make_target({"aarch64-linux-gnu", ""});
  ASSERT_TRUE(arm) << arm.error().message;
  EXPECT_EQ(arm->cpu, "generic");
  auto intel = make_target({"x86_64-linux-gnu", ""});
  ASSERT_TRUE(intel) << intel.error().message;
  EXPECT_TRUE(intel->cpu.starts_with("x86-64")) << intel->cpu;
}

TEST(Target, NeedsTheFeaturesOfItsCpu) {
  EXPECT_EQ(needs("x86_64-linux-gnu", "x86-64"), "");
  EXPECT_EQ(needs("x86_64-linux-gnu", "x86-64-v2"), NC_X86_64_V2_FEATURES);
  EXPECT_EQ(needs("x86_64-linux-gnu", "x86-64-v3"), NC_X86_64_V2_FEATURES " " NC_X86_64_V3_FEATURES);
  EXPECT_EQ(needs("x86_64-linux-gnu", "x86-64-v4"),
            NC_X86_64_V2_FEATURES " " NC_X86_64_V3_FEATURES " " NC_X86_64_V4_FEATURES);
  EXPECT_NE(needs("x86_64-linux-gnu", "icelake-server").find("avx512vbmi2"), std::string::npos);
  EXPECT_EQ(needs("aarch64-linux-gnu", "generic"), "");
  EXPECT_NE(needs("aarch64-linux-gnu", "neoverse-n1").find("dotprod"), std::string::npos);
}

TEST(Target, UnknownCpu) {
  auto target = make_target({"aarch64-linux-gnu", "x86-64-v3"});
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().help, "generic, or a cpu as LLVM names it");
}

}  // namespace
}  // namespace netc
