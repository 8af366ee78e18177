// A program says what it needs of the processor before it runs any generated code.
#include <gtest/gtest.h>

#include "runtime/cli/commands.h"
#include "runtime/cli/processor.h"
#include "runtime/cpu_features.h"
#include "test/unit/runtime/toy_program.h"

namespace netc::runtime {
namespace {

bool has_all(std::string_view) { return true; }
bool is_of_level_2(std::string_view feature) {
  return feature.starts_with("sse") || feature == "ssse3" || feature == "popcnt";
}

nc_program_t program_for(const char *cpu, const char *features) {
  nc_program_t program{};
  program.abi_version = NC_ABI_VERSION;
  program.cpu = cpu;
  program.cpu_features = features;
  return program;
}

TEST(Processor, HasWhatItHas) {
  EXPECT_TRUE(check_processor(program_for("x86-64", "")));
  EXPECT_TRUE(check_processor(program_for("x86-64-v3", NC_X86_64_V2_FEATURES " " NC_X86_64_V3_FEATURES), has_all));
  EXPECT_TRUE(check_processor(program_for("x86-64-v2", NC_X86_64_V2_FEATURES), is_of_level_2));
  EXPECT_TRUE(processor_has("a feature nobody has heard of"));
}

#ifdef __x86_64__
TEST(Processor, SaysWhatIsMissingAndWhatWouldFit) {
  auto one = check_processor(program_for("x86-64-v2", "sse4.2 avx popcnt"), is_of_level_2);
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().message, "this program was compiled for x86-64-v2, and this processor has no avx");
  EXPECT_EQ(one.error().help, "compile it on this machine, or with netc --target-cpu=x86-64-v2");
  auto tiles = check_processor(program_for("x86-64-v4", "sse4.2 amx-tile amx-bf16"), is_of_level_2);
  ASSERT_FALSE(tiles);
  EXPECT_EQ(tiles.error().message,
            "this program was compiled for x86-64-v4, and this processor has no amx-tile and amx-bf16");
  auto several = check_processor(program_for("haswell", NC_X86_64_V2_FEATURES " avx avx2 fma"), is_of_level_2);
  ASSERT_FALSE(several);
  EXPECT_EQ(several.error().message,
            "this program was compiled for haswell, and this processor has no avx, avx2 and fma");
  auto everything = check_processor(program_for("x86-64-v2", NC_X86_64_V2_FEATURES), [](auto) { return false; });
  ASSERT_FALSE(everything);
  EXPECT_EQ(everything.error().help, "compile it on this machine, or with netc --target-cpu=x86-64");
}

TEST(Processor, IsAskedBeforeAnythingElse) {
  ToyProgram toy;
  nc_program_t program = toy.program();
  program.cpu_features = "tbm fma4 xop sse4a avx512fp16";  // of two makers: no processor has all of them
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_command_line(program, "toy", {"info"}), 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("toy: error: this program was compiled for "),
            std::string::npos);
}
#endif

}  // namespace
}  // namespace netc::runtime
