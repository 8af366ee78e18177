// k_fold: every sample is in one fold, folds are alike, groups stay together.
#include <map>
#include <set>

#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

RawData labelled(int64_t count) {
  RawData data;
  data.source = "x";
  std::vector<int32_t> classes;
  for (int64_t i = 0; i < count; ++i) classes.push_back(i % 10 < 7 ? 0 : 1);
  data.targets.values = classes;
  return data;
}

std::vector<int64_t> numbers(int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < count; ++i) rows.push_back(i);
  return rows;
}

TEST(Folds, DealOutEverySampleOnce) {
  RawData data = labelled(103);
  std::set<int64_t> all;
  for (int64_t fold = 0; fold < 5; ++fold) {
    auto rows = fold_rows(numbers(103), call("k_fold", json::array({5})), fold, 7, data);
    ASSERT_TRUE(rows) << message(rows);
    EXPECT_TRUE(rows->taken.size() == 20 || rows->taken.size() == 21);
    EXPECT_EQ(rows->taken.size() + rows->kept.size(), 103u);
    EXPECT_TRUE(std::is_sorted(rows->kept.begin(), rows->kept.end()));
    all.insert(rows->taken.begin(), rows->taken.end());
    auto again = fold_rows(numbers(103), call("k_fold", json::array({5})), fold, 7, data);
    EXPECT_EQ(again->taken, rows->taken);
    auto other = fold_rows(numbers(103), call("k_fold", json::array({5}), {{"seed", 8}}), fold, 7, data);
    EXPECT_NE(other->taken, rows->taken);
  }
  EXPECT_EQ(all.size(), 103u);
}

TEST(Folds, StratifiedHaveTheSameShareOfEachClass) {
  RawData data = labelled(100);
  const auto &classes = std::get<std::vector<int32_t>>(data.targets.values);
  for (int64_t fold = 0; fold < 4; ++fold) {
    auto rows = fold_rows(numbers(100), call("k_fold", json::array({4}), {{"stratified", true}}), fold, 7, data);
    ASSERT_TRUE(rows) << message(rows);
    int64_t ones = 0;
    for (int64_t row : rows->taken) ones += classes[static_cast<size_t>(row)];
    EXPECT_EQ(rows->taken.size(), 25u);
    EXPECT_TRUE(ones == 7 || ones == 8) << ones;
  }
}

TEST(Folds, KeepGroupsTogether) {
  RawData data = labelled(60);
  for (int64_t i = 0; i < 60; ++i) data.groups.push_back(i % 9 == 0 ? 1000 : i / 5);
  std::map<int64_t, int64_t> fold_of;
  for (int64_t fold = 0; fold < 3; ++fold) {
    auto rows = fold_rows(numbers(60), call("k_fold", json::array({3})), fold, 7, data);
    ASSERT_TRUE(rows) << message(rows);
    EXPECT_NEAR(static_cast<double>(rows->taken.size()), 20, 4);
    for (int64_t row : rows->taken) {
      auto [place, fresh] = fold_of.emplace(data.groups[static_cast<size_t>(row)], fold);
      EXPECT_EQ(place->second, fold);
    }
  }
  auto few = fold_rows(numbers(60), call("k_fold", json::array({50})), 0, 7, data);
  EXPECT_EQ(message(few), "x: 13 groups of samples are too few for 50 folds");
}

}  // namespace
}  // namespace netc::runtime
