// brightness, contrast, saturation, hue: new values for every pixel, kept within the range of the data. The formulas
// are those of Keras 3's RandomBrightness, RandomContrast, RandomSaturation and RandomHue; saturation and hue are those
// of the HSV cone (A. R. Smith: "Color gamut transform pairs", SIGGRAPH 1978), without going through its coordinates
// where that can be avoided.
#include <cmath>

#include "runtime/data/augment/arguments.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<AugmentStep> read_colour(const json &call, double limit, const char *example, AugmentStep step) {
  auto amount = amount_argument(call, "amount", 0, limit, kRequired, example);
  if (!amount) return tl::unexpected(amount.error());
  step.first = *amount;
  return step;
}

// Adds a share of the range.
void brightness(const AugmentStep &step, Draws &draws, const Picture &picture) {
  float added = step.first.draw(draws) * (picture.high - picture.low);
  for (int64_t e = 0; e < picture.elements(); ++e) picture.pixels[e] = picture.clamped(picture.pixels[e] + added);
}
Result<AugmentStep> read_brightness(const json &call) {
  return read_colour(call, 1, "brightness(20%)", {.change = brightness});
}

// Scales the distances from the mean of each channel by 1 + amount.
void contrast(const AugmentStep &step, Draws &draws, const Picture &picture) {
  float scale = 1 + step.first.draw(draws);
  int64_t pixels = picture.height * picture.width;
  for (int64_t channel = 0; channel < picture.channels; ++channel) {
    float *values = picture.pixels + channel;
    double sum = 0;
    for (int64_t p = 0; p < pixels; ++p) sum += values[p * picture.channels];
    auto mean = static_cast<float>(sum / static_cast<double>(pixels));
    for (int64_t p = 0; p < pixels; ++p) {
      float &value = values[p * picture.channels];
      value = picture.clamped(mean + (value - mean) * scale);
    }
  }
}
Result<AugmentStep> read_contrast(const json &call) {
  return read_colour(call, 1, "contrast(20%)", {.change = contrast});
}

// Scales the saturation by 1 + amount, to at most 1. With the value v = max(r, g, b), c becomes v - (v - c) * scale,
// and the saturation is 1 where the smallest of them is 0.
void saturation(const AugmentStep &step, Draws &draws, const Picture &picture) {
  float wanted = 1 + step.first.draw(draws);
  for (int64_t p = 0; p < picture.height * picture.width; ++p) {
    float *c = picture.pixels + 3 * p;
    float most = std::max(std::max(c[0], c[1]), c[2]), least = std::min(std::min(c[0], c[1]), c[2]);
    float scale = std::min(wanted, (most - picture.low) / std::max(most - least, 1e-30f));
    for (int i = 0; i < 3; ++i) c[i] = picture.clamped(most - (most - c[i]) * scale);
  }
}
Result<AugmentStep> read_saturation(const json &call) {
  return read_colour(call, 1, "saturation(20%)", {.channels = 3, .change = saturation});
}

// Turns the hue by a share of the circle, value and saturation stay. With the hue in sixths of the circle, a channel is
// v - (v - least) * clamp(min(k, 4 - k), 0, 1), k = (n + hue) mod 6, n = 5, 3, 1 for red, green, blue.
void hue(const AugmentStep &step, Draws &draws, const Picture &picture) {
  float turn = 6 * step.first.draw(draws) + 6;
  for (int64_t p = 0; p < picture.height * picture.width; ++p) {
    float *c = picture.pixels + 3 * p;
    float red = c[0], green = c[1], blue = c[2];
    float most = std::max(std::max(red, green), blue), least = std::min(std::min(red, green), blue);
    float range = most - least, inverse = range > 0 ? 1 / range : 0;
    float sixths = most == red     ? (green - blue) * inverse
                   : most == green ? 2 + (blue - red) * inverse
                                   : 4 + (red - green) * inverse;
    sixths += turn;  // at least 2, so that what follows is a positive remainder
    const float offsets[] = {5, 3, 1};
    for (int i = 0; i < 3; ++i) {
      float k = offsets[i] + sixths;
      k -= 6 * static_cast<float>(static_cast<int32_t>(k * (1.0f / 6)));
      c[i] = most - range * std::min(std::max(std::min(k, 4 - k), 0.0f), 1.0f);
    }
  }
}
Result<AugmentStep> read_hue(const json &call) {
  return read_colour(call, 0.5, "hue(5%)", {.channels = 3, .change = hue});
}

}  // namespace
}  // namespace netc::runtime

const nc_augmentation_module nc_module_augment_brightness = {{"augmentation", "brightness"},
                                                             netc::runtime::read_brightness};
const nc_augmentation_module nc_module_augment_contrast = {{"augmentation", "contrast"}, netc::runtime::read_contrast};
const nc_augmentation_module nc_module_augment_saturation = {{"augmentation", "saturation"},
                                                             netc::runtime::read_saturation};
const nc_augmentation_module nc_module_augment_hue = {{"augmentation", "hue"}, netc::runtime::read_hue};
