// noise: normal random numbers on top of the values. erase: a rectangle without a picture (Zhong, Zheng, Kang, Li,
// Yang: "Random erasing data augmentation", AAAI 2020).
#include <bit>
#include <cmath>

#include "runtime/data/augment/arguments.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// The natural logarithm of a positive normal number to 2e-7, in arithmetic that becomes vector instructions: the
// exponent times ln 2, and for the mantissa m in [sqrt(1/2), sqrt(2)) the series 2 (s + s^3/3 + s^5/5 + ...) with
// s = (m - 1) / (m + 1).
inline float logarithm(float value) {
  auto bits = std::bit_cast<int32_t>(value) - 0x3f3504f3;  // of sqrt(1/2)
  float exponent = static_cast<float>(bits >> 23);
  float m = std::bit_cast<float>((bits & 0x7fffff) + 0x3f3504f3);
  float s = (m - 1) / (m + 1), square = s * s;
  return exponent * 0.693147181f + 2 * s * (1 + square * (1 / 3.0f + square * (0.2f + square * (1 / 7.0f))));
}

// The standard normal quantile of (1 + x) / 2, x in (-1, 1): sqrt(2) times the inverse error function as approximated
// by M. Giles ("Approximating the erfinv function", GPU Computing Gems, 2010).
inline float normal_quantile(float x) {
  float w = -logarithm((1 - x) * (1 + x));
  float c = w - 2.5f, t = std::sqrt(w) - 3;
  float central = 2.81022636e-08f;
  for (float k : {3.43273939e-07f, -3.5233877e-06f, -4.39150654e-06f, 0.00021858087f, -0.00125372503f, -0.00417768164f,
                  0.246640727f, 1.50140941f})
    central = central * c + k;
  float tail = -0.000200214257f;
  for (float k : {0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f, -0.0076224613f, 0.00943887047f,
                  1.00167406f, 2.83297682f})
    tail = tail * t + k;
  return (w < 5 ? central : tail) * x * 1.41421356f;
}

// Adds normal numbers whose standard deviation is a share of the range.
void noise(const AugmentStep &step, Draws &draws, const Picture &picture) {
  constexpr int64_t kBlocks = 8, kChunk = 4 * kBlocks;
  float deviation = step.first.high * (picture.high - picture.low);
  for (int64_t begin = 0; begin < picture.elements(); begin += kChunk) {
    uint32_t words[kChunk];
    float normal[kChunk];
    for (int64_t b = 0; b < kBlocks; ++b) {
      PhiloxWords block = draws.block(static_cast<uint64_t>(begin / 4 + b));
      std::copy(block.begin(), block.end(), words + 4 * b);
    }
    // Odd multiples of 2^-23 in (-1, 1).
    for (int64_t k = 0; k < kChunk; ++k)
      normal[k] = normal_quantile(static_cast<float>(static_cast<int32_t>(words[k] >> 8 | 1) - (1 << 23)) * 0x1p-23f);
    int64_t count = std::min(kChunk, picture.elements() - begin);
    float *values = picture.pixels + begin;
    for (int64_t k = 0; k < count; ++k) values[k] = picture.clamped(values[k] + deviation * normal[k]);
  }
}

Result<AugmentStep> read_noise(const json &call) {
  auto deviation = number_argument(call, "stddev", 0, 0, 1, kRequired, "noise(5%)");
  if (!deviation) return tl::unexpected(deviation.error());
  return AugmentStep{.first = {0, static_cast<float>(*deviation)}, .change = noise};
}

// With a chance of 1/2, a rectangle of 2 % of the picture up to `amount`, with sides between 3 : 10 and 10 : 3, becomes
// the mean of each channel.
void erase(const AugmentStep &step, Draws &draws, const Picture &picture) {
  if (draws.uniform() < 0.5f) return;
  double area = step.first.draw(draws) * static_cast<double>(picture.height * picture.width);
  double aspect = std::exp((2.0 * draws.uniform() - 1) * std::log(10.0 / 3));
  const auto side = [](double length, int64_t most) { return std::clamp<int64_t>(std::llround(length), 1, most); };
  int64_t height = side(std::sqrt(area * aspect), picture.height),
          width = side(std::sqrt(area / aspect), picture.width);
  const auto place = [&](int64_t room) {
    return static_cast<int64_t>(static_cast<uint64_t>(draws.word()) * static_cast<uint64_t>(room + 1) >> 32);
  };
  int64_t top = place(picture.height - height), left = place(picture.width - width);
  for (int64_t channel = 0; channel < picture.channels; ++channel) {
    double sum = 0;
    for (int64_t p = 0; p < picture.height * picture.width; ++p) sum += picture.pixels[p * picture.channels + channel];
    auto mean = static_cast<float>(sum / static_cast<double>(picture.height * picture.width));
    for (int64_t y = top; y < top + height; ++y)
      for (int64_t x = left; x < left + width; ++x)
        picture.pixels[(y * picture.width + x) * picture.channels + channel] = mean;
  }
}

Result<AugmentStep> read_erase(const json &call) {
  constexpr double kLeast = 0.02;
  auto amount = number_argument(call, "amount", 0, kLeast, 1, 0.33, "erase(20%)");
  if (!amount) return tl::unexpected(amount.error());
  return AugmentStep{.first = {static_cast<float>(kLeast), static_cast<float>(*amount)}, .change = erase};
}

}  // namespace
}  // namespace netc::runtime

const nc_augmentation_module nc_module_augment_noise = {{"augmentation", "noise"}, netc::runtime::read_noise};
const nc_augmentation_module nc_module_augment_erase = {{"augmentation", "erase"}, netc::runtime::read_erase};
