// Each augmentation against a plain implementation or a picture worked out by hand, with amounts that leave nothing to
// chance ([a, a]), and the distribution of what is drawn.
#include "runtime/data/augment/augmentation.h"

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "runtime/cli/text.h"
#include "test/unit/runtime/data_support.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

json fixed(double value) { return json::array({value, value}); }
json fixed_degrees(double value) {
  json angle = {{"value", value}, {"unit", "deg"}};
  return json::array({angle, angle});
}
json filled(const char *mode) { return {{"fill", {{"name", mode}}}}; }

Augmentation list_of(const json &list) {
  auto augmentation = read_augmentation(list, all_modules());
  EXPECT_TRUE(augmentation) << message(augmentation);
  return augmentation ? *augmentation : Augmentation{};
}

// A picture of reals with a soft pattern, values from about 20 to 235.
Array pattern(int64_t height, int64_t width, int64_t channels, int64_t count = 1) {
  Array array{{height, width, channels}, std::vector<float>(), count};
  for (int64_t i = 0; i < count; ++i)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        for (int64_t c = 0; c < channels; ++c)
          std::get<0>(array.values)
              .push_back(static_cast<float>(128 + 60 * std::sin(0.9 * x + c + i) + 45 * std::cos(0.7 * y - 2 * c)));
  return array;
}

std::vector<float> augmented(const json &list, const Array &array, int64_t sample = 0, uint32_t epoch = 0) {
  Augmentation augmentation = list_of(list);
  PictureAugmenter augmenter(augmentation, array, {0, 255}, 7);
  const float *values = augmenter.augmented(reals(array).data() + sample * array.elements(), epoch, sample);
  return {values, values + array.elements()};
}

// The pixel of a picture at any whole place.
float pixel(const Array &array, int64_t y, int64_t x, int64_t c, const std::string &fill, float value) {
  int64_t height = array.shape[0], width = array.shape[1];
  if (fill == "constant" && (y < 0 || x < 0 || y >= height || x >= width)) return value;
  const auto moved = [&](int64_t place, int64_t size) {
    while (place < 0 || place >= size) {
      if (fill == "nearest")
        place = place < 0 ? 0 : size - 1;
      else
        place = place < 0 ? -1 - place : 2 * size - 1 - place;
    }
    return place;
  };
  return reals(array)[static_cast<size_t>((moved(y, height) * width + moved(x, width)) * array.shape[2] + c)];
}

// source(dy, dx): the place in the source, from the centre, of a pixel of the result.
template <typename Source>
std::vector<float> plain(const Array &array, const Source &source, const std::string &fill, float value = 0) {
  std::vector<float> result;
  double cy = (array.shape[0] - 1) / 2.0, cx = (array.shape[1] - 1) / 2.0;
  for (int64_t y = 0; y < array.shape[0]; ++y)
    for (int64_t x = 0; x < array.shape[1]; ++x)
      for (int64_t c = 0; c < array.shape[2]; ++c) {
        auto [sy, sx] = source(y - cy, x - cx);
        sy += cy, sx += cx;
        auto top = static_cast<int64_t>(std::floor(sy)), left = static_cast<int64_t>(std::floor(sx));
        double fy = sy - static_cast<double>(top), fx = sx - static_cast<double>(left);
        result.push_back(static_cast<float>((1 - fy) * ((1 - fx) * pixel(array, top, left, c, fill, value) +
                                                        fx * pixel(array, top, left + 1, c, fill, value)) +
                                            fy * ((1 - fx) * pixel(array, top + 1, left, c, fill, value) +
                                                  fx * pixel(array, top + 1, left + 1, c, fill, value))));
      }
  return result;
}

void expect_near(const std::vector<float> &found, const std::vector<float> &expected, float tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], tolerance) << "element " << i;
}

using Place = std::pair<double, double>;

TEST(Augment, MovesAgainstAPlainInterpolation) {
  const double angle = 0.35, degrees = angle * 180 / M_PI;
  for (auto [height, width, channels] : {std::tuple{11, 17, 1}, std::tuple{40, 9, 3}, std::tuple{6, 70, 2}})
    for (const char *fill : {"reflect", "nearest", "constant"}) {
      SCOPED_TRACE(format("%s %d x %d x %d", fill, height, width, channels));
      Array array = pattern(height, width, channels);
      json named = filled(fill);
      named["fill_value"] = 9;
      expect_near(
          augmented(call("rotate", {fixed_degrees(degrees)}, named), array),
          plain(
              array,
              [&](double y, double x) {
                return Place{std::cos(angle) * y + std::sin(angle) * x, std::cos(angle) * x - std::sin(angle) * y};
              },
              fill, 9),
          0.02f);
      expect_near(augmented(call("zoom", {fixed(0.4), fixed(-0.25)}, named), array),
                  plain(
                      array,
                      [&](double y, double x) {
                        return Place{1.4 * y, 0.75 * x};
                      },
                      fill, 9),
                  0.02f);
      expect_near(augmented(call("shear", {fixed(0.5), fixed(0.1)}, named), array),
                  plain(
                      array,
                      [&](double y, double x) {
                        return Place{y + 0.1 * x, x + 0.5 * y};
                      },
                      fill, 9),
                  0.02f);
      expect_near(augmented(call("translate", {fixed(0.25), fixed(-0.5)}, named), array),
                  plain(
                      array,
                      [&](double y, double x) {
                        return Place{y - std::round(0.25 * height), x - std::round(-0.5 * width)};
                      },
                      fill, 9),
                  0);
    }
}

TEST(Augment, TurnsCounterClockwiseAndMirrors) {
  Array array{{2, 2, 1},
              std::vector<float>{1, 2,  //
                                 3, 4},
              1};
  EXPECT_EQ(augmented(call("rotate", {fixed_degrees(90)}), array), (std::vector<float>{2, 4, 1, 3}));
  Array row{{1, 4, 1}, std::vector<float>{1, 2, 3, 4}, 50};
  std::get<0>(row.values).resize(200);
  for (size_t i = 0; i < 200; ++i) std::get<0>(row.values)[i] = static_cast<float>(i % 4 + 1);
  int mirrored = 0;
  for (int64_t sample = 0; sample < 50; ++sample) {
    auto found = augmented(json{{"name", "flip"}}, row, sample);
    mirrored += found == std::vector<float>{4, 3, 2, 1};
    EXPECT_EQ(found[1], found[0] == 4 ? 3 : 2);
    EXPECT_EQ(augmented(call("flip", {{{"name", "vertical"}}}), row, sample), (std::vector<float>{1, 2, 3, 4}));
  }
  EXPECT_GT(mirrored, 10);
  EXPECT_LT(mirrored, 40);
  EXPECT_EQ(augmented(call("translate", {fixed(0), fixed(0.5)}, filled("constant")), row),
            (std::vector<float>{0, 0, 1, 2}));
  EXPECT_EQ(augmented(call("translate", {fixed(0), fixed(0.5)}), row), (std::vector<float>{2, 1, 1, 2}));
  EXPECT_EQ(augmented(call("translate", {fixed(0), fixed(-0.5)}, filled("nearest")), row),
            (std::vector<float>{3, 4, 4, 4}));
}

TEST(Augment, NeighbouringMovesAreOneInterpolation) {
  Array array = pattern(20, 20, 1);
  json there = call("rotate", {fixed_degrees(30)}), back = call("rotate", {fixed_degrees(-30)});
  expect_near(augmented({there, back}, array), reals(array), 0.01f);
  // What lies between them, or another fill, makes two of it.
  EXPECT_NE(augmented({there, call("rotate", {fixed_degrees(-30)}, filled("nearest"))}, array), reals(array));
  expect_near(augmented({call("zoom", {fixed(0.3)}), call("translate", {fixed(0.1), fixed(0)})}, array),
              plain(
                  array,
                  [](double y, double x) {
                    return Place{1.3 * (y - 2), 1.3 * x};
                  },
                  "reflect"),
              0.02f);
}

TEST(Augment, CropIsAShiftByWholePixelsOverAFrame) {
  Array array = pattern(6, 6, 1, 300);
  std::set<std::pair<int, int>> seen;
  for (int64_t sample = 0; sample < 300; ++sample) {
    auto found = augmented(call("crop", {2}), array, sample);
    bool any = false;
    Array own{{6, 6, 1}, std::vector<float>(), 1};
    for (size_t e = 0; e < 36; ++e)
      std::get<0>(own.values).push_back(reals(array)[static_cast<size_t>(sample) * 36 + e]);
    for (int dy = -2; dy <= 2; ++dy)
      for (int dx = -2; dx <= 2; ++dx)
        if (found == plain(
                         own,
                         [&](double y, double x) {
                           return Place{y - dy, x - dx};
                         },
                         "constant")) {
          seen.insert({dy, dx});
          any = true;
        }
    EXPECT_TRUE(any);
  }
  EXPECT_EQ(seen.size(), 25u);
}

// Hue in [0, 6), saturation, value, and back: the textbook's cases.
struct Hsv {
  double hue, saturation, value;
};
Hsv to_hsv(const float *c) {
  double r = c[0], g = c[1], b = c[2], most = std::max({r, g, b}), least = std::min({r, g, b}), range = most - least;
  double hue = 0;
  if (range > 0) {
    if (most == r)
      hue = std::fmod((g - b) / range + 6, 6);
    else if (most == g)
      hue = (b - r) / range + 2;
    else
      hue = (r - g) / range + 4;
  }
  return {hue, most > 0 ? range / most : 0, most};
}
std::array<double, 3> from_hsv(const Hsv &hsv) {
  double hue = std::fmod(hsv.hue + 12, 6), v = hsv.value, s = hsv.saturation, f = hue - std::floor(hue);
  double p = v * (1 - s), q = v * (1 - s * f), t = v * (1 - s * (1 - f));
  switch (static_cast<int>(hue)) {
    case 0:
      return {v, t, p};
    case 1:
      return {q, v, p};
    case 2:
      return {p, v, t};
    case 3:
      return {p, q, v};
    case 4:
      return {t, p, v};
    default:
      return {v, p, q};
  }
}

TEST(Augment, ColoursAgainstTheTextbook) {
  Array array = pattern(9, 8, 3);
  auto &values = std::get<0>(array.values);
  std::copy_n(std::vector<float>{255, 0, 0, 0, 255, 0, 0, 0, 255, 7, 7, 7, 0, 0, 0, 200, 100, 200}.begin(), 18,
              values.begin());
  for (double amount : {-0.5, -0.3, 0.0, 0.1, 0.45}) {
    SCOPED_TRACE(amount);
    auto turned = augmented(call("hue", {fixed(amount)}), array);
    auto deeper = augmented(call("saturation", {fixed(amount)}), array);
    auto lighter = augmented(call("brightness", {fixed(amount)}), array);
    auto steeper = augmented(call("contrast", {fixed(amount)}), array);
    double means[3] = {};
    for (size_t i = 0; i < values.size(); ++i) means[i % 3] += values[i] / 72;
    for (size_t i = 0; i < values.size(); ++i) {
      Hsv hsv = to_hsv(&values[i / 3 * 3]);
      ASSERT_NEAR(turned[i], from_hsv({hsv.hue + 6 * amount, hsv.saturation, hsv.value})[i % 3], 0.01) << i;
      double saturation = std::min(1.0, hsv.saturation * (1 + amount));
      ASSERT_NEAR(deeper[i], from_hsv({hsv.hue, saturation, hsv.value})[i % 3], 0.01) << i;
      ASSERT_NEAR(lighter[i], std::clamp(values[i] + 255 * amount, 0.0, 255.0), 0.01) << i;
      ASSERT_NEAR(steeper[i], std::clamp(means[i % 3] + (values[i] - means[i % 3]) * (1 + amount), 0.0, 255.0), 0.01);
    }
  }
}

TEST(Augment, NoiseIsNormal) {
  Array array{{100, 101, 1}, std::vector<float>(10100, 128.0f), 1};
  auto found = augmented(call("noise", {0.04}), array);
  double deviation = 0.04 * 255, sum = 0, squares = 0;
  std::map<int, int> beyond;  // half deviations
  for (float value : found) {
    double z = (value - 128) / deviation;
    sum += z;
    squares += z * z;
    for (int k = -6; k <= 6; ++k) beyond[k] += z > 0.5 * k;
  }
  EXPECT_NEAR(sum / 10100, 0, 0.04);
  EXPECT_NEAR(squares / 10100, 1, 0.05);
  for (auto [k, count] : beyond) EXPECT_NEAR(count / 10100.0, 0.5 * std::erfc(0.5 * k / M_SQRT2), 0.015) << k;
  EXPECT_NE(augmented(call("noise", {0.04}), array, 0, 1), found);
  for (float value : augmented(call("noise", {1}), array)) EXPECT_TRUE(value >= 0 && value <= 255);
}

TEST(Augment, ErasesARectangleOfHalfOfThePictures) {
  Array array = pattern(20, 20, 1, 400);
  int erased = 0;
  double area = 0;
  for (int64_t sample = 0; sample < 400; ++sample) {
    const float *own = reals(array).data() + sample * 400;
    auto found = augmented(call("erase", {0.4}), array, sample);
    int64_t top = 20, bottom = -1, left = 20, right = -1, changed = 0;
    for (int64_t e = 0; e < 400; ++e) {
      if (found[static_cast<size_t>(e)] == own[e]) continue;
      ++changed;
      EXPECT_NEAR(found[static_cast<size_t>(e)], std::accumulate(own, own + 400, 0.0) / 400, 1e-3);
      top = std::min(top, e / 20), bottom = std::max(bottom, e / 20);
      left = std::min(left, e % 20), right = std::max(right, e % 20);
    }
    if (changed == 0) continue;
    ++erased;
    area += static_cast<double>(changed) / 400;
    EXPECT_EQ(changed, (bottom - top + 1) * (right - left + 1));
    EXPECT_LE(changed, 400 * 0.45);
  }
  EXPECT_NEAR(erased, 200, 40);
  EXPECT_NEAR(area / erased, (0.02 + 0.4) / 2, 0.03);
}

TEST(Augment, DrawsDependOnSeedEpochSampleAndPlaceInTheList) {
  std::set<uint32_t> words;
  for (uint64_t seed : {1, 2})
    for (uint32_t epoch : {0, 1})
      for (int64_t sample : {int64_t{0}, int64_t{1}, int64_t{1} << 35})
        for (size_t step : {0, 1, 31}) {
          Draws draws(seed, epoch, sample, step);
          for (int i = 0; i < 9; ++i) words.insert(draws.word());
        }
  EXPECT_EQ(words.size(), 2u * 2 * 3 * 3 * 9);
}

TEST(Augment, AmountsAreUniform) {
  const Augmentation augmentation = list_of(call("brightness", {json::array({-0.1, 0.3})}));
  Array array{{1, 1, 1}, std::vector<float>(4000, 100.0f), 4000};
  PictureAugmenter augmenter(augmentation, array, {0, 255}, 3);
  std::vector<double> shares;
  for (int64_t sample = 0; sample < 4000; ++sample)
    shares.push_back((*augmenter.augmented(reals(array).data(), 0, sample) - 100) / 255);
  std::sort(shares.begin(), shares.end());
  for (size_t i = 0; i < shares.size(); ++i)
    ASSERT_NEAR(shares[i], -0.1 + 0.4 * static_cast<double>(i) / 4000, 0.4 * 0.03);
}

TEST(Augment, BytesThatAreMovedOnlyStayBytes) {
  Array bytes{{5, 6, 2}, std::vector<uint8_t>(), 3};
  for (int i = 0; i < 180; ++i) std::get<1>(bytes.values).push_back(static_cast<uint8_t>(i * 37));
  json list = {{{"name", "flip"}}, call("translate", {0.3}, filled("constant")), call("crop", {1})};
  const Augmentation moves = list_of(list);
  PictureAugmenter whole(moves, bytes, {0, 255}, 7);
  ASSERT_TRUE(whole.moves_only());
  list.push_back(call("brightness", {fixed(0)}));
  const Augmentation more = list_of(list);
  PictureAugmenter computed(more, bytes, {0, 255}, 7);
  ASSERT_FALSE(computed.moves_only());
  for (int64_t sample = 0; sample < 3; ++sample) {
    const uint8_t *moved = whole.moved(std::get<1>(bytes.values).data() + 60 * sample, 4, sample);
    const float *same = computed.augmented(std::get<1>(bytes.values).data() + 60 * sample, 4, sample);
    for (int e = 0; e < 60; ++e) ASSERT_EQ(moved[e], same[e]);
  }
}

TEST(Augment, SharesOfMixupAreBetaDistributed) {
  // Mean 1/2, variance 1 / (4 (2 alpha + 1)).
  for (double alpha : {0.2, 1.0, 3.0}) {
    const Augmentation augmentation = list_of(call("mixup", {alpha}));
    double sum = 0, squares = 0;
    for (int64_t sample = 0; sample < 4000; ++sample) {
      auto [step, draws] = choose_mix(augmentation, 5, 1, sample);
      double share = step->mix(*step, draws).share;
      ASSERT_TRUE(share >= 0 && share <= 1);
      sum += share - 0.5;
      squares += (share - 0.5) * (share - 0.5);
    }
    EXPECT_NEAR(sum / 4000, 0, 0.03);
    EXPECT_NEAR(squares / 4000 / (1 / (4 * (2 * alpha + 1))), 1, 0.1) << alpha;
  }
}

TEST(Augment, CutmixTakesABoxAndTellsItsShare) {
  const Augmentation augmentation = list_of(call("cutmix", json::array()));
  double sum = 0;
  for (int64_t sample = 0; sample < 500; ++sample) {
    auto [step, draws] = choose_mix(augmentation, 5, 1, sample);
    Mixture mixture = step->mix(*step, draws);
    std::vector<float> own(16 * 16 * 2, 1.0f), other(16 * 16 * 2, 2.0f);
    float share = step->blend(mixture, {16, 16, 2}, own.data(), other.data());
    EXPECT_NEAR(std::accumulate(own.begin(), own.end(), 0.0), 512 * (share + 2 * (1 - share)), 1e-3);
    sum += share;
  }
  EXPECT_GT(sum / 500, 0.5);
  EXPECT_LT(sum / 500, 0.75);  // boxes at the edge are cut off
  const Augmentation both = list_of({call("mixup", {1}), call("cutmix", {1})});
  int boxes = 0;
  for (int64_t sample = 0; sample < 500; ++sample) boxes += choose_mix(both, 5, 1, sample).first->pictures;
  EXPECT_NEAR(boxes, 250, 50);
}

}  // namespace
}  // namespace netc::runtime
