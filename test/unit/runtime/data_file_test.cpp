// Atomic writing and safetensors.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstring>

#include "runtime/io/checksum.h"
#include "runtime/io/file.h"
#include "runtime/io/nearest.h"
#include "runtime/io/safetensors.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

TEST(File, ReplacesAtomicallyAndLeavesNoTemporary) {
  Folder folder;
  std::string path = folder.path("a.txt");
  ASSERT_TRUE(write_file_atomically(path, "one"));
  ASSERT_TRUE(write_file_atomically(path, "two"));
  EXPECT_EQ(folder.read("a.txt"), "two");
  EXPECT_EQ(folder.files(), 1u);
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0600, 0600u);
}

// A limit on the size of files stands in for a full disk: the write comes back short, then fails.
TEST(File, FailedWriteKeepsTheOldFile) {
  Folder folder;
  folder.write("a.txt", "old");
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  auto written = write_file_atomically(folder.path("a.txt"), std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(message(written), "cannot write " + folder.path("a.txt") + ": file too large");
  EXPECT_EQ(folder.read("a.txt"), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(File, ErrorsNameThePathAndTheReason) {
  Folder folder;
  folder.write("train.csv", "x");
  auto missing = read_file(folder.path("trian.csv"));
  EXPECT_EQ(message(missing), "cannot read " + folder.path("trian.csv") + ": no such file or directory");
  EXPECT_EQ(missing.error().help, "did you mean " + folder.path("train.csv") + "?");
  EXPECT_EQ(message(read_file(folder.path())), "cannot read " + folder.path() + ": it is a folder");
  EXPECT_EQ(message(read_file("/dev/zero")), "cannot read /dev/zero: it is not a regular file");
  EXPECT_EQ(message(read_file(folder.path("train.csv"), 0)),
            "cannot read " + folder.path("train.csv") + ": it has 1 bytes, more than the limit of 0");
  EXPECT_EQ(message(write_file_atomically(folder.path("no/a.txt"), "x")),
            "cannot write " + folder.path("no/a.txt") + ": no such file or directory");
  EXPECT_EQ(message(write_file_atomically(folder.path(), "x")),
            "cannot write " + folder.path() + ": it is not a regular file");
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  EXPECT_EQ(nearest_word("targt", {"target", "drop"}), "target");
  EXPECT_EQ(nearest_word("colour", {"target", "drop"}), "");
}

TEST(Checksum, IsCrc32) {
  EXPECT_EQ(crc32(0, "123456789"), 0xCBF43926u);
  EXPECT_EQ(crc32(crc32(0, "1234"), "56789"), 0xCBF43926u);
  EXPECT_EQ(crc32(0, ""), 0u);
}

std::string write_example(const Folder &folder) {
  float values[6] = {1, 2, 3, 4, 5, 6};
  int64_t step = 77;
  std::string_view value_bytes(reinterpret_cast<char *>(values), sizeof values),
      step_bytes(reinterpret_cast<char *>(&step), 8);
  std::vector<TensorToWrite> tensors = {
      {"dense.kernel", "F32", {2, 3}, value_bytes}, {"step", "I64", {}, step_bytes}, {"empty", "U8", {0}, {}}};
  auto written =
      write_safetensors(folder.path("a.safetensors"), tensors, {{"classes", "[\"a\", \"b\"]"}, {"odd", "\"\\\n\x01"}});
  EXPECT_TRUE(written) << message(written);
  return folder.read("a.safetensors");
}

TEST(Safetensors, WhatIsWrittenIsRead) {
  Folder folder;
  write_example(folder);
  auto file = read_safetensors(folder.path("a.safetensors"));
  ASSERT_TRUE(file) << message(file);
  EXPECT_EQ(file->metadata, (std::map<std::string, std::string>{{"classes", "[\"a\", \"b\"]"}, {"odd", "\"\\\n\x01"}}));
  ASSERT_EQ(file->tensors.size(), 3u);
  const TensorEntry &kernel = file->tensors.at("dense.kernel");
  EXPECT_EQ(kernel.dtype, "F32");
  EXPECT_EQ(kernel.shape, (std::vector<int64_t>{2, 3}));
  float last;
  std::memcpy(&last, kernel.bytes.data() + 20, 4);
  EXPECT_EQ(last, 6.0f);
  EXPECT_EQ(file->tensors.at("step").shape, std::vector<int64_t>{});
}

// Any one byte changed, any end cut off: an error, never a wrong tensor. (A changed name of the checksum leaves a file
// without one, whose content is whole.)
TEST(Safetensors, EveryDamageIsFound) {
  Folder folder;
  std::string bytes = write_example(folder);
  size_t name = bytes.find("netc.checksum");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x15);
    bool of_the_name = i >= name && i < name + 13;
    EXPECT_EQ(parse_safetensors("x", damaged).has_value(), of_the_name) << "byte " << i;
    EXPECT_FALSE(parse_safetensors("x", bytes.substr(0, i))) << "cut at " << i;
  }
}

TEST(Safetensors, RefusesToWriteWhatItCouldNotRead) {
  Folder folder;
  std::vector<TensorToWrite> short_tensor = {{"a", "F32", {2}, "1234"}},
                             twice = {{"a", "U8", {1}, "1"}, {"a", "U8", {1}, "1"}};
  EXPECT_FALSE(write_safetensors(folder.path("a"), short_tensor, {}));
  EXPECT_FALSE(write_safetensors(folder.path("a"), twice, {}));
  EXPECT_EQ(folder.files(), 0u);
}

}  // namespace
}  // namespace netc::runtime
