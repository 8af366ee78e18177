// The parts of find-lr, inspect and activations that need no program.
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/cli/plot.h"
#include "runtime/data/module.h"
#include "runtime/data/some_samples.h"
#include "runtime/io/picture_grid.h"
#include "runtime/train/range_test.h"
#include "runtime/train/spread.h"

namespace netc::runtime {
namespace {

// Losses that stand still, fall from step `falls` to step `lowest`, and rise again.
RangeTest test_with(int falls, int lowest, double fallen) {
  RangeTest test;
  std::vector<double> losses;
  for (int i = 0; i < 100; ++i) {
    test.rates.push_back(std::pow(10, -6 + i * 0.07));
    double share = std::clamp((i - falls) / static_cast<double>(lowest - falls), 0.0, 1.0);
    double rise = i > lowest ? 0.2 * (i - lowest) * (i - lowest) : 0;
    losses.push_back(2.3 - fallen * 0.5 * (1 - std::cos(share * M_PI)) + rise);
  }
  conclude(test, losses);
  return test;
}

TEST(RangeTest, SuggestsWhereTheLossFallsFastest) {
  RangeTest test = test_with(40, 80, 2);
  ASSERT_TRUE(test.suggested.has_value());
  EXPECT_NEAR(std::log10(*test.suggested), -6 + 60 * 0.07, 0.15);  // half way down
  EXPECT_EQ(test.losses.size(), test.rates.size());
}

TEST(RangeTest, SuggestsNothingWhereTheLossDoesNotFall) {
  EXPECT_FALSE(test_with(40, 80, 0.05).suggested.has_value());
  EXPECT_FALSE(test_with(40, 80, 0).suggested.has_value());
}

TEST(Spread, CountsWhatItSees) {
  Spread spread;
  spread.add(std::vector<float>{0, 1, 2, 3, NAN});
  spread.add(std::vector<float>{-5, 9, 0});
  EXPECT_EQ(spread.count, 8);
  EXPECT_EQ(spread.zeros, 2);
  EXPECT_EQ(spread.not_finite, 1);
  EXPECT_EQ(spread.least, -5);
  EXPECT_EQ(spread.greatest, 9);
  EXPECT_DOUBLE_EQ(spread.norm(), std::sqrt(1 + 4 + 9 + 25 + 81));
  EXPECT_DOUBLE_EQ(spread.mean(), 10.0 / 7);
  EXPECT_NEAR(spread.deviation(), std::sqrt(120.0 / 7 - 100.0 / 49), 1e-12);
  // The range is that of the first numbers; later ones outside of it are in the outermost bins.
  EXPECT_EQ(spread.low, 0);
  EXPECT_EQ(spread.high, 3);
  EXPECT_EQ(spread.bins.front(), 3);
  EXPECT_EQ(spread.bins.back(), 2);
}

TEST(Plot, HistogramsAreBlocks) {
  EXPECT_EQ(histogram_text(std::vector<int64_t>{0, 1, 8, 4}), " ▁█▄");
  EXPECT_EQ(histogram_text(std::vector<int64_t>{0, 0}), "  ");
}

TEST(Plot, CurvesAreDots) {
  // Down from the upper left to the lower right.
  std::string text = curve_text(std::vector<double>{1, 0}, 1, -1, 2, 1);
  EXPECT_NE(text.find("⠙⢦"), std::string::npos) << text;
}

TEST(SomeSamples, AreFromAllOverTheSet) {
  Dataset dataset;
  for (int64_t row = 0; row < 10; ++row) dataset.rows.push_back(100 + row);
  EXPECT_EQ(some_samples(dataset, 4).rows, (std::vector<int64_t>{100, 102, 105, 107}));
  EXPECT_EQ(some_samples(dataset, 40).rows, dataset.rows);
}

std::vector<uint8_t> pixels_of(const std::string &png, int64_t channels) {
  auto picture = nc_module_png.decode("grid", png, channels);
  EXPECT_TRUE(picture.has_value());
  return picture ? std::get<std::vector<uint8_t>>(picture->values) : std::vector<uint8_t>();
}

TEST(PictureGrid, ShowsEachMapOnItsOwnScale) {
  // Two maps of 1 x 2, interleaved: {0, 4} and {1, 3}; eight times as large, side by side or one above the other.
  std::vector<float> values = {0, 1, 4, 3};
  auto pixels = pixels_of(grid_png({.values = values, .maps = 2, .height = 1, .width = 2, .value_step = 2}), 1);
  ASSERT_EQ(pixels.size(), 19u * 18u);  // one above the other, a line of grey around each
  auto at = [&](size_t y, size_t x) { return static_cast<int>(pixels[y * 18 + x]); };
  EXPECT_EQ(at(0, 0), 64);
  EXPECT_EQ(at(1, 8), 0);
  EXPECT_EQ(at(8, 9), 255);
  EXPECT_EQ(at(9, 9), 64);
  EXPECT_EQ(at(10, 1), 85);  // 1 of 3: where nothing is negative, black is 0
  EXPECT_EQ(at(18, 9), 64);
  EXPECT_EQ(at(17, 16), 255);
}

TEST(PictureGrid, OneValueIsBlack) {
  std::vector<float> values = {0, 0, 0, 0};
  for (uint8_t pixel : pixels_of(grid_png({.values = values, .maps = 1, .height = 2, .width = 2}), 1))
    EXPECT_TRUE(pixel == 0 || pixel == 64);
}

}  // namespace
}  // namespace netc::runtime
