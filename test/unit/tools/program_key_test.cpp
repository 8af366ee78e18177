#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tools/netc/build.h"

namespace netc {
namespace {

namespace fs = std::filesystem;

class ProgramKeyTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("program_key_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    write("model.net", "import \"width.net\"\nnetwork n(x: f32[2]) -> class[2] { x -> dense(width) -> dense(2) }\n");
    write("width.net", "param width = 4 in {4, 8}\n");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const char *name, const char *text) const { std::ofstream(folder_ / name) << text; }
  std::string key(const BuildRequest &request) const {
    auto key = program_key(request);
    return key ? *key : key.error().message + key.error().help;
  }

  fs::path folder_;
};

TEST_F(ProgramKeyTest, ChangesWithAllThatDecidesTheProgram) {
  BuildRequest request{folder_ / "model.net", {}, {}};
  std::string first = key(request);
  EXPECT_EQ(first.size(), 32u) << first;
  EXPECT_EQ(key(request), first);

  BuildRequest other = request;
  other.defines["width"] = "8";
  EXPECT_NE(key(other), first);
  other = request;
  other.target.cpu = "x86-64";
  EXPECT_NE(key(other), first);
  fs::copy_file(folder_ / "model.net", folder_ / "copy.net");
  EXPECT_NE(key({folder_ / "copy.net", {}, {}}), first);
  write("width.net", "param width = 8 in {4, 8}\n");
  EXPECT_NE(key(request), first);
  write("width.net", "param width = 4 in {4, 8}\n");
  EXPECT_EQ(key(request), first);
}

TEST_F(ProgramKeyTest, OfAFileWithErrorsThereIsNone) {
  write("width.net", "param width = \n");
  EXPECT_NE(key({folder_ / "model.net", {}, {}}).find("width.net:"), std::string::npos);
  EXPECT_FALSE(program_key({folder_ / "missing.net", {}, {}}));
}

}  // namespace
}  // namespace netc
