#include "runtime/data/gather.h"

#include <algorithm>
#include <cstring>

namespace netc::runtime {
namespace {

constexpr size_t most_tables = 16;  // of 1 KB each: more would not stay in the first cache

// Normalises `count` elements of one sample; element e belongs to group (first + e) % groups.
void normalise(const Normalisation &n, const float *from, float *to, size_t count) {
  size_t groups = n.offset.size();
  if (groups == 0) {
    std::memcpy(to, from, count * sizeof(float));
    return;
  }
  if (groups == 1) {
    float offset = n.offset[0], scale = n.scale[0];
    for (size_t e = 0; e < count; ++e) to[e] = (from[e] - offset) * scale;
    return;
  }
  size_t group = 0;
  for (size_t e = 0; e < count; ++e) {
    to[e] = (from[e] - n.offset[group]) * n.scale[group];
    if (++group == groups) group = 0;
  }
}

void normalise(const Normalisation &n, const std::vector<float> &table, const uint8_t *from, float *to, size_t count) {
  size_t groups = std::max<size_t>(1, n.offset.size());
  if (table.empty()) {
    size_t group = 0;
    for (size_t e = 0; e < count; ++e) {
      to[e] = (static_cast<float>(from[e]) - n.offset[group]) * n.scale[group];
      if (++group == groups) group = 0;
    }
    return;
  }
  if (groups == 1) {
    const float *values = table.data();
    for (size_t e = 0; e < count; ++e) to[e] = values[from[e]];
    return;
  }
  size_t group = 0;
  for (size_t e = 0; e < count; ++e) {
    to[e] = table[group * 256 + from[e]];
    if (++group == groups) group = 0;
  }
}

}  // namespace

Gatherer::Gatherer(const Dataset &dataset, const Augmentation &augmentation, uint64_t seed)
    : dataset_(dataset),
      augmentation_(augmentation),
      seed_(seed),
      in_pairs_(dataset.in_pairs || !augmentation.mixes.empty()) {
  static const Normalisation none;
  if (!dataset.samples) return;
  const Samples &samples = *dataset.samples;
  for (const Array &input : samples.inputs) bytes_per_sample_.push_back(input.elements() * 4);
  for (const Array &target : samples.targets) bytes_per_sample_.push_back(target.elements() * 4);
  bytes_per_sample_.push_back(4);
  if (in_pairs_) {
    for (const Array &target : samples.targets) bytes_per_sample_.push_back(target.elements() * 4);
    bytes_per_sample_.push_back(4);
  }
  augmenters_.resize(samples.inputs.size());
  for (size_t i = 0; i < samples.inputs.size(); ++i) {
    const Array &input = samples.inputs[i];
    bool is_picture = input.shape.size() == 3 && !std::holds_alternative<std::vector<int32_t>>(input.values);
    Amount range = i < augmentation.ranges.size() ? augmentation.ranges[i] : Amount{0, 255};
    if (is_picture && !augmentation_.steps.empty())
      augmenters_[i] = std::make_unique<PictureAugmenter>(augmentation_, input, range, seed);
  }
  tables_.resize(samples.inputs.size());
  for (size_t i = 0; i < samples.inputs.size(); ++i) {
    const Normalisation &n = i < samples.normalisations.size() ? samples.normalisations[i] : none;
    size_t groups = std::max<size_t>(1, n.offset.size());
    if (samples.inputs[i].values.index() != 1 || groups > most_tables) continue;
    for (size_t group = 0; group < groups; ++group)
      for (int value = 0; value < 256; ++value)
        tables_[i].push_back(n.offset.empty() ? static_cast<float>(value)
                                              : (static_cast<float>(value) - n.offset[group]) * n.scale[group]);
  }
}

float Gatherer::weight_of(int64_t row) const {
  const Samples &samples = *dataset_.samples;
  float weight = samples.weights.empty() ? 1.0f : samples.weights[static_cast<size_t>(row)];
  if (dataset_.class_weights.empty()) return weight;
  const auto &labels = std::get<std::vector<int32_t>>(samples.targets[0].values);
  return weight * dataset_.class_weights[static_cast<size_t>(labels[static_cast<size_t>(row)])];
}

void Gatherer::gather_input(size_t index, const Selection &selection, char *destination) {
  static const Normalisation none;
  const Samples &samples = *dataset_.samples;
  const Array &array = selection.inputs[index];
  const Normalisation &n = index < samples.normalisations.size() ? samples.normalisations[index] : none;
  size_t width = static_cast<size_t>(array.elements());
  PictureAugmenter *augmenter = augmenters_[index].get();
  std::visit(
      [&](const auto &values) {
        using T = typename std::decay_t<decltype(values)>::value_type;
        for (size_t i = 0; i < selection.rows.size(); ++i) {
          const T *from = values.data() + static_cast<size_t>(selection.positions[i]) * width;
          auto *to = reinterpret_cast<float *>(destination + i * width * 4);
          if constexpr (std::is_same_v<T, int32_t>)
            std::memcpy(to, from, width * 4);
          else if (augmenter && !augmenter->moves_only())
            normalise(n, augmenter->augmented(from, selection.epoch, selection.rows[i]), to, width);
          else if constexpr (std::is_same_v<T, float>)
            normalise(n, from, to, width);
          else
            normalise(n, tables_[index], augmenter ? augmenter->moved(from, selection.epoch, selection.rows[i]) : from,
                      to, width);
        }
      },
      array.values);
}

void Gatherer::gather_target(size_t index, const std::vector<int64_t> &rows, char *destination) const {
  const Array &target = dataset_.samples->targets[index];
  size_t bytes = static_cast<size_t>(target.elements()) * 4;
  std::visit(
      [&](const auto &values) {
        const char *from = reinterpret_cast<const char *>(values.data());
        for (size_t i = 0; i < rows.size(); ++i)
          std::memcpy(destination + i * bytes, from + static_cast<size_t>(rows[i]) * bytes, bytes);
      },
      target.values);
}

// The loss of a mixed sample is that of its own target and that of the other one, each by its share.
void Gatherer::mix(const Selection &selection, const std::vector<char *> &destinations) const {
  const Samples &samples = *dataset_.samples;
  size_t inputs = samples.inputs.size(), targets = samples.targets.size(), weight = inputs + targets;
  auto *weights = reinterpret_cast<float *>(destinations[weight]);
  auto *other_weights = reinterpret_cast<float *>(destinations[weight + 1 + targets]);
  for (size_t i = 0; i < static_cast<size_t>(selection.batch_size()); ++i) {
    auto [step, draws] = choose_mix(augmentation_, seed_, selection.epoch, selection.rows[i]);
    Mixture mixture = step->mix(*step, draws);
    float share = 1;
    for (size_t input = 0; input < inputs; ++input) {
      auto *own = reinterpret_cast<float *>(destinations[input] + static_cast<int64_t>(i) * bytes_per_sample_[input]);
      share = step->blend(mixture, samples.inputs[input].shape, own, own + samples.inputs[input].elements());
    }
    // The heavier of the two comes first: the metrics compare with it.
    bool swap = share < 0.5f;
    for (size_t target = 0; target < targets; ++target) {
      size_t bytes = static_cast<size_t>(bytes_per_sample_[inputs + target]);
      char *own = destinations[inputs + target] + i * bytes;
      char *other = destinations[weight + 1 + target] + i * bytes;
      std::memcpy(other, own + bytes, bytes);
      if (swap) std::swap_ranges(own, own + bytes, other);
    }
    other_weights[i] = (1 - share) * weights[i + 1];
    weights[i] *= share;
    if (swap) std::swap(weights[i], other_weights[i]);
  }
}

void Gatherer::gather(const Selection &selection, const std::vector<char *> &destinations) {
  const Samples &samples = *dataset_.samples;
  size_t argument = 0;
  for (size_t i = 0; i < samples.inputs.size(); ++i) gather_input(i, selection, destinations[argument++]);
  for (size_t i = 0; i < samples.targets.size(); ++i) gather_target(i, selection.rows, destinations[argument++]);
  float *weights = reinterpret_cast<float *>(destinations[argument]);
  for (size_t i = 0; i < selection.rows.size(); ++i) weights[i] = weight_of(selection.rows[i]);
  if (!in_pairs_) return;
  if (selection.has_follower) return mix(selection, destinations);
  size_t targets = samples.targets.size();
  for (size_t i = 0; i < targets; ++i) gather_target(i, selection.rows, destinations[argument + 1 + i]);
  std::memset(destinations[argument + 1 + targets], 0, selection.rows.size() * sizeof(float));
}

}  // namespace netc::runtime
