#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/train/reading.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

constexpr double kDead = 0.2, kMostlyDead = 0.5;       // share of the units of a layer
constexpr double kVanishing = 1e-3, kVanished = 1e-5;  // of the largest gradient of a layer
constexpr double kExploding = 1e3;                     // norm of a gradient, or ...
constexpr double kOutburst = 100;                      // ... times its median so far
constexpr size_t kEpochsOfMedian = 3;
constexpr double kLargeUpdate = 0.1, kSmallUpdate = 1e-6;  // |update| / |weight|, the median of the layers

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void dead_units(const EpochDiagnostics &last, Findings &findings) {
  const LayerDiagnostics *worst = nullptr;
  double worst_share = 0;
  int layers = 0;
  for (const LayerDiagnostics &layer : last.layers) {
    double share = layer.units > 0 ? static_cast<double>(layer.dead) / static_cast<double>(layer.units) : 0;
    if (share >= kDead) ++layers;
    if (share <= worst_share) continue;
    worst = &layer;
    worst_share = share;
  }
  if (!layers) return;
  Finding &finding =
      findings.add("dead units", worst_share >= kMostlyDead ? Level::problem : Level::warning, last.epoch,
                   "Dead units: %lld of the %lld units of %s are zero for all samples looked at%s.",
                   static_cast<long long>(worst->dead), static_cast<long long>(worst->units), worst->name.c_str(),
                   layers > 1 ? "; other layers have such units, too" : "");
  finding.advise("let a little through on the other side", "-> leaky_relu");
  finding.advise("begin with weights of the right size", "kernel_initializer = he_normal");
  finding.advise("lower the learning rate: one large step kills them");
}

// The first layers get a gradient that is tiny beside that of the last ones.
void vanishing(const EpochDiagnostics &last, Findings &findings) {
  double largest = 0;
  for (const LayerDiagnostics &layer : last.layers) largest = std::max(largest, layer.gradient_norm);
  for (const LayerDiagnostics &layer : last.layers) {
    double share = layer.gradient_norm / largest;
    if (!(layer.weight_norm > 0) || !(share < kVanishing)) continue;
    Finding &finding = findings.add("vanishing gradients", share < kVanished ? Level::problem : Level::warning,
                                    last.epoch, "Vanishing gradients: that of %s is %.3g, %.0e of the largest.",
                                    layer.name.c_str(), layer.gradient_norm, share);
    finding.advise("use relu with weights that fit it", "kernel_initializer = he_normal, activation = relu");
    finding.advise("normalise between the layers", "-> batch_norm");
    finding.advise("lead the signal around a block", "-> add(shortcut)");
    return;
  }
}

// What the gradient of a layer was in the epochs before; 0: there are too few.
double usual_gradient(const std::vector<EpochDiagnostics> &epochs, size_t layer) {
  std::vector<double> values;
  for (size_t i = 0; i + 1 < epochs.size(); ++i) {
    if (layer < epochs[i].layers.size()) values.push_back(epochs[i].layers[layer].gradient_norm);
  }
  return values.size() < kEpochsOfMedian ? 0 : median(values);
}

void exploding(const Evidence &evidence, Findings &findings) {
  const EpochDiagnostics &last = evidence.diagnostics.back();
  for (size_t i = 0; i < last.layers.size(); ++i) {
    double norm = last.layers[i].gradient_norm, usual = usual_gradient(evidence.diagnostics, i);
    bool outburst = usual > 0 && norm > kOutburst * usual;
    if (norm < kExploding && !outburst) continue;
    Finding &finding = findings.add("exploding gradients", Level::problem, last.epoch,
                                    outburst ? "Exploding gradients: that of %s is %.3g, and was about %.3g before."
                                             : "Exploding gradients: that of %s is %.3g.",
                                    last.layers[i].name.c_str(), norm, usual);
    if (!evidence.facts.clips) finding.advise("bound the gradients, in the optimizer", "global_clipnorm = 1.0");
    advise_rate(evidence, 0.3, finding);
    finding.advise("begin with smaller weights", "kernel_initializer = glorot_uniform");
    return;
  }
}

// The median over the layers of |update| / |weight|.
double usual_update(const EpochDiagnostics &epoch) {
  std::vector<double> ratios;
  for (const LayerDiagnostics &layer : epoch.layers) {
    if (layer.weight_norm > 0 && std::isfinite(layer.update_ratio)) ratios.push_back(layer.update_ratio);
  }
  return ratios.empty() ? 0 : median(ratios);
}

// Too large: at the end. Too small: in every epoch, for a schedule may end with a rate of nothing.
void updates(const Evidence &evidence, Findings &findings) {
  int64_t epoch = evidence.diagnostics.back().epoch;
  double last = usual_update(evidence.diagnostics.back()), largest = 0;
  for (const EpochDiagnostics &one : evidence.diagnostics) largest = std::max(largest, usual_update(one));
  const char *pattern = "A step changes the weights by %.2g of their size; 1e-3 is usual. The learning rate is too %s.";
  if (last > kLargeUpdate) {
    advise_rate(evidence, 0.1, findings.add("large steps", Level::warning, epoch, pattern, last, "high"));
  } else if (largest > 0 && largest < kSmallUpdate) {
    advise_rate(evidence, 10, findings.add("small steps", Level::warning, epoch, pattern, largest, "low"));
  }
}

}  // namespace

std::optional<EpochDiagnostics> diagnostics_from_json(const nlohmann::json &line) try {
  EpochDiagnostics result;
  result.epoch = line.at("epoch");
  for (const nlohmann::json &layer : line.at("layers")) {
    auto number = [&](const char *key) { return layer.contains(key) ? number_from_json(layer[key]) : 0; };
    result.layers.push_back({layer.at("name"), number("gradient_norm"), number("weight_norm"), number("update_ratio"),
                             layer.value("units", int64_t{0}), layer.value("dead", int64_t{0})});
  }
  return result;
} catch (const nlohmann::json::exception &) {
  return std::nullopt;
}

void read_layers(const Evidence &evidence, Findings &findings) {
  if (evidence.diagnostics.empty()) return;
  exploding(evidence, findings);
  vanishing(evidence.diagnostics.back(), findings);
  dead_units(evidence.diagnostics.back(), findings);
  updates(evidence, findings);
}

}  // namespace netc::runtime
