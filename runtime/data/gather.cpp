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

// A sample with its pixels moved to where the placement wants them.
template <typename T>
void move_pixels(const Placement &placement, Fill fill, const T *from, T *to, int64_t height, int64_t width,
                 int64_t channels) {
  std::vector<int64_t> columns(static_cast<size_t>(width));  // where in a row each pixel comes from
  for (int64_t x = 0; x < width; ++x)
    columns[static_cast<size_t>(x)] = source_coordinate(x, placement.shift_x, placement.flip_horizontal, width, fill);
  for (int64_t y = 0; y < height; ++y) {
    int64_t source_y = source_coordinate(y, placement.shift_y, placement.flip_vertical, height, fill);
    const T *row = from + std::max<int64_t>(source_y, 0) * width * channels;
    for (int64_t x : columns)
      for (int64_t channel = 0; channel < channels; ++channel)
        *to++ = source_y < 0 || x < 0 ? T{0} : row[x * channels + channel];
  }
}

}  // namespace

Gatherer::Gatherer(const Dataset &dataset, const Augmentation &augmentation, uint64_t seed)
    : dataset_(dataset), augmentation_(augmentation), seed_(seed) {
  static const Normalisation none;
  if (!dataset.samples) return;
  const Samples &samples = *dataset.samples;
  for (const Array &input : samples.inputs) bytes_per_sample_.push_back(input.elements() * 4);
  for (const Array &target : samples.targets) bytes_per_sample_.push_back(target.elements() * 4);
  bytes_per_sample_.push_back(4);
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

void Gatherer::gather_input(size_t index, const Selection &selection, char *destination) const {
  static const Normalisation none;
  const Samples &samples = *dataset_.samples;
  const Array &array = selection.inputs[index];
  const Normalisation &n = index < samples.normalisations.size() ? samples.normalisations[index] : none;
  size_t width = static_cast<size_t>(array.elements());
  bool moves = !augmentation_.empty() && array.shape.size() == 3;
  std::visit(
      [&](const auto &values) {
        using T = typename std::decay_t<decltype(values)>::value_type;
        std::vector<T> moved(moves ? width : 0);
        for (size_t i = 0; i < selection.rows.size(); ++i) {
          const T *from = values.data() + static_cast<size_t>(selection.positions[i]) * width;
          char *to = destination + i * width * 4;
          if (moves) {
            Placement placement =
                place(augmentation_, seed_, selection.epoch, selection.rows[i], array.shape[0], array.shape[1]);
            move_pixels(placement, augmentation_.fill, from, moved.data(), array.shape[0], array.shape[1],
                        array.shape[2]);
            from = moved.data();
          }
          if constexpr (std::is_same_v<T, int32_t>)
            std::memcpy(to, from, width * 4);
          else if constexpr (std::is_same_v<T, float>)
            normalise(n, from, reinterpret_cast<float *>(to), width);
          else
            normalise(n, tables_[index], from, reinterpret_cast<float *>(to), width);
        }
      },
      array.values);
}

void Gatherer::gather(const Selection &selection, const std::vector<char *> &destinations) const {
  const Samples &samples = *dataset_.samples;
  const std::vector<int64_t> &rows = selection.rows;
  size_t argument = 0;
  for (size_t i = 0; i < samples.inputs.size(); ++i) gather_input(i, selection, destinations[argument++]);
  for (const Array &target : samples.targets) {
    char *to = destinations[argument++];
    size_t bytes = static_cast<size_t>(target.elements()) * 4;
    std::visit(
        [&](const auto &values) {
          const char *from = reinterpret_cast<const char *>(values.data());
          for (size_t i = 0; i < rows.size(); ++i)
            std::memcpy(to + i * bytes, from + static_cast<size_t>(rows[i]) * bytes, bytes);
        },
        target.values);
  }
  float *weights = reinterpret_cast<float *>(destinations[argument]);
  for (size_t i = 0; i < rows.size(); ++i) weights[i] = weight_of(rows[i]);
}

}  // namespace netc::runtime
