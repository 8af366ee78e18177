// What people read: numbers, the progress line at any width, options.
#include <gtest/gtest.h>

#include "runtime/cli/arguments.h"
#include "runtime/cli/text.h"
#include "runtime/train/event_log.h"
#include "runtime/train/progress.h"

namespace netc::runtime {
namespace {

TEST(Text, Numbers) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(-1234567), "-1,234,567");
  EXPECT_EQ(count_text(-123), "-123");
  EXPECT_EQ(bytes_text(512), "512 B");
  EXPECT_EQ(bytes_text(1536), "1.5 KiB");
  EXPECT_EQ(bytes_text(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(duration_text(0.0123), "12 ms");
  EXPECT_EQ(duration_text(0.00042), "0.4 ms");
  EXPECT_EQ(duration_text(8.21), "8.2 s");
  EXPECT_EQ(duration_text(59.99), "1 min 00 s");
  EXPECT_EQ(duration_text(185), "3 min 05 s");
  EXPECT_EQ(duration_text(7440), "2 h 04 min");
  EXPECT_EQ(short_number(0.31274), "0.3127");
  EXPECT_EQ(short_number(12.3456), "12.35");
  EXPECT_EQ(short_number(1.2e-5), "1.2e-05");
  EXPECT_EQ(short_number(0), "0.0000");
}

TEST(Progress, FitsAnyWidth) {
  ProgressLine line{3, 20, 50, 200, "loss 0.3127  accuracy 0.9012", 12345, 95};
  EXPECT_EQ(progress_text(line, 120),
            "epoch 3/20  25% [#####...............]  loss 0.3127  accuracy 0.9012  12.3k/s  1 min 35 s left");
  EXPECT_EQ(progress_text(line, 90), "epoch 3/20  25% [#####...............]  loss 0.3127  accuracy 0.9012  12.3k/s");
  EXPECT_EQ(progress_text(line, 60), "epoch 3/20  25%  loss 0.3127  accuracy 0.9012");
  for (int width = 0; width < 130; ++width)
    EXPECT_LE(progress_text(line, width).size(), static_cast<size_t>(width)) << width;
  line.batches = 0;
  EXPECT_FALSE(progress_text(line, 80).empty());
}

TEST(Progress, PenaltyIsShownWhenThereIsOne) {
  EXPECT_EQ(measured_text({"loss", "penalty"}, {0.5, 0}), "loss 0.5000");
  EXPECT_EQ(measured_text({"loss", "penalty"}, {0.5, 0.25}), "loss 0.5000  penalty 0.2500");
}

TEST(EventLog, FramesAndChecksums) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);  // the check value of CRC-32C
  std::string frame = tfrecord("abc");
  ASSERT_EQ(frame.size(), 8u + 4 + 3 + 4);
  EXPECT_EQ(frame.substr(0, 8), std::string("\3\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(frame.substr(12, 3), "abc");
}

TEST(CommandLine, OptionsAndPlaces) {
  std::vector<CommandSpec> commands = {
      {"go", "FILE...", "goes", {{"--n", "N", "how often"}, {"--flag", "", "a flag"}}}};
  auto parsed = parse_arguments(commands, {"go", "a", "--n=3", "--flag", "--n", "4", "--", "--b"});
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->positional, (std::vector<std::string>{"a", "--b"}));
  EXPECT_EQ(parsed->all("--n"), (std::vector<std::string>{"3", "4"}));
  EXPECT_EQ(**parsed->integer("--n", 0), 4);
  EXPECT_FALSE(parsed->integer("--n", 5).has_value());
  EXPECT_TRUE(parsed->has("--flag"));
  EXPECT_FALSE(parse_arguments(commands, {"go", "--flag=1"}).has_value());
  auto negative = parse_arguments(commands, {"go", "--n", "-4"});  // a value may look like an option
  ASSERT_TRUE(negative.has_value());
  EXPECT_EQ(negative->text("--n"), "-4");
}

}  // namespace
}  // namespace netc::runtime
