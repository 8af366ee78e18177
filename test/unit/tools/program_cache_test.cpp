#include "tools/netc/program_cache.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace netc {
namespace {

namespace fs = std::filesystem;

class ProgramCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("program_cache_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static std::function<int(const fs::path &)> writing(std::string text) {
    return [text](const fs::path &path) {
      std::ofstream(path) << text;
      return 0;
    };
  }
  static std::string content(const fs::path &path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  size_t entries() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }
  void used_seconds_ago(const std::string &key, int seconds) const {
    fs::last_write_time(folder_ / key, fs::file_time_type::clock::now() - std::chrono::seconds(seconds));
  }

  fs::path folder_;
};

TEST_F(ProgramCacheTest, FindsWhatWasAdded) {
  ProgramCache cache(folder_);
  EXPECT_FALSE(cache.find("a", "digits"));
  auto added = cache.add("a", "digits", writing("one"));
  ASSERT_TRUE(added);
  EXPECT_EQ(content(*added), "one");
  EXPECT_EQ(cache.find("a", "digits"), *added);
  EXPECT_FALSE(cache.find("b", "digits"));
}

TEST_F(ProgramCacheTest, FailureLeavesNothing) {
  ProgramCache cache(folder_);
  auto added = cache.add("a", "digits", [](const fs::path &path) {
    std::ofstream(path) << "half";
    return 7;
  });
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error(), 7);
  EXPECT_EQ(entries(), 0u);
}

TEST_F(ProgramCacheTest, TakesTheProgramOfWhoWasFaster) {
  ProgramCache cache(folder_);
  auto added = cache.add("a", "digits", [&](const fs::path &path) {
    EXPECT_TRUE(ProgramCache(folder_.string()).add("a", "digits", writing("theirs"))) << path;
    fs::create_directories(path.parent_path());
    return writing("mine")(path);
  });
  ASSERT_TRUE(added);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(ProgramCacheTest, RemovesWhatWasNotUsedForLongest) {
  ProgramCache cache(folder_, 250);
  for (const char *key : {"a", "b"}) ASSERT_TRUE(cache.add(key, "digits", writing(std::string(100, 'x'))));
  used_seconds_ago("a", 20);
  used_seconds_ago("b", 10);
  ASSERT_TRUE(cache.find("a", "digits"));  // used now
  ASSERT_TRUE(cache.add("c", "digits", writing(std::string(100, 'x'))));
  EXPECT_TRUE(cache.find("a", "digits"));
  EXPECT_FALSE(cache.find("b", "digits"));
  EXPECT_TRUE(cache.find("c", "digits"));
  ASSERT_TRUE(cache.add("d", "digits", writing(std::string(1000, 'x'))));  // alone more than the limit
  EXPECT_TRUE(cache.find("d", "digits"));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(ProgramCacheTest, ClearsAwayWhatDeadProcessesLeft) {
  fs::create_directories(folder_ / ".making-1-old");
  fs::create_directories(folder_ / ".making-2-new");
  used_seconds_ago(".making-1-old", 4000);
  ASSERT_TRUE(ProgramCache(folder_).add("a", "digits", writing("one")));
  EXPECT_FALSE(fs::exists(folder_ / ".making-1-old"));
  EXPECT_TRUE(fs::exists(folder_ / ".making-2-new"));
}

}  // namespace
}  // namespace netc
