// mixup (Zhang, Cisse, Dauphin, Lopez-Paz: "mixup: beyond empirical risk minimization", ICLR 2018) and cutmix (Yun,
// Han, Oh, Chun, Choe, Yoo: "CutMix: regularization strategy to train strong classifiers with localizable features",
// ICCV 2019): how much of a sample stays its own is drawn from the distribution Beta(alpha, alpha).
#include <cmath>

#include "runtime/data/augment/arguments.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

double open_uniform(Draws &draws) { return (draws.word() + 0.5) * 0x1p-32; }  // in (0, 1)

// The logarithm of a number from the distribution Gamma(shape, 1), by G. Marsaglia and W. W. Tsang ("A simple method
// for generating gamma variables", ACM Transactions on Mathematical Software 26, 2000); shapes below 1 by their boost.
double log_gamma_variate(double shape, Draws &draws) {
  double boost = shape < 1 ? std::log(open_uniform(draws)) / shape : 0;
  double d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    double u = open_uniform(draws), angle = 6.28318530717958648 * open_uniform(draws);
    double x = std::sqrt(-2 * std::log(u)) * std::cos(angle), v = 1 + c * x;
    if (v <= 0) continue;
    v = v * v * v;
    if (std::log(open_uniform(draws)) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v) + boost;
  }
}

double beta_variate(double alpha, Draws &draws) {
  double first = log_gamma_variate(alpha, draws), second = log_gamma_variate(alpha, draws);
  return 1 / (1 + std::exp(second - first));
}

Mixture mixup(const AugmentStep &step, Draws &draws) {
  return {.share = static_cast<float>(beta_variate(step.first.high, draws))};
}

float blend_values(const Mixture &mixture, const std::vector<int64_t> &shape, float *own, const float *other) {
  int64_t elements = 1;
  for (int64_t size : shape) elements *= size;
  for (int64_t e = 0; e < elements; ++e) own[e] = other[e] + mixture.share * (own[e] - other[e]);
  return mixture.share;
}

// A box of the picture's proportions anywhere on it.
Mixture cutmix(const AugmentStep &step, Draws &draws) {
  auto half = static_cast<float>(std::sqrt(1 - beta_variate(step.first.high, draws)) / 2);
  float y = draws.uniform(), x = draws.uniform();
  return {.share = 1, .top = y - half, .left = x - half, .bottom = y + half, .right = x + half};
}

// The box is cut off at the edges of the picture; the share counts the pixels.
float blend_box(const Mixture &mixture, const std::vector<int64_t> &shape, float *own, const float *other) {
  const auto place = [](float part, int64_t size) {
    return std::clamp<int64_t>(std::llround(part * static_cast<float>(size)), 0, size);
  };
  int64_t height = shape[0], row = shape[1] * shape[2];
  int64_t top = place(mixture.top, height), bottom = place(mixture.bottom, height);
  int64_t left = place(mixture.left, shape[1]), right = place(mixture.right, shape[1]);
  for (int64_t y = top; y < bottom; ++y)
    std::copy(other + y * row + left * shape[2], other + y * row + right * shape[2], own + y * row + left * shape[2]);
  return 1 - static_cast<float>((bottom - top) * (right - left)) / static_cast<float>(height * shape[1]);
}

Result<AugmentStep> read_mixing(const json &call, double otherwise, const char *example, AugmentStep step) {
  auto alpha = number_argument(call, "alpha", 0, 0.01, 100, otherwise, example);
  if (!alpha) return tl::unexpected(alpha.error());
  step.first.high = static_cast<float>(*alpha);
  return step;
}
Result<AugmentStep> read_mixup(const json &call) {
  return read_mixing(call, 0.2, "mixup(0.2)", {.pictures = false, .mix = mixup, .blend = blend_values});
}
Result<AugmentStep> read_cutmix(const json &call) {
  return read_mixing(call, 1, "cutmix(1.0)", {.mix = cutmix, .blend = blend_box});
}

}  // namespace
}  // namespace netc::runtime

const nc_augmentation_module nc_module_augment_mixup = {{"augmentation", "mixup"}, netc::runtime::read_mixup};
const nc_augmentation_module nc_module_augment_cutmix = {{"augmentation", "cutmix"}, netc::runtime::read_cutmix};
