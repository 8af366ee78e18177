#include "runtime/report/sample_view.h"

#include <algorithm>

#include "runtime/io/png_write.h"
#include "runtime/page/page.h"

namespace netc::runtime {
namespace {

constexpr int64_t kLargestSide = 96;  // pixels of a picture; larger ones are averaged down
constexpr size_t kMostFeatures = 8;
constexpr size_t kLongestSeries = 200;

bool is_picture(const Field &input) {
  const auto &shape = input.shape;
  if (input.is_class || shape.size() < 2 || shape.size() > 3 || shape[0] < 2 || shape[1] < 2) return false;
  return shape.size() == 2 || shape[2] == 1 || shape[2] == 3 || shape[2] == 4;
}

std::string picture_uri(const Field &input, const std::vector<double> &values, double low, double high) {
  int64_t height = input.shape[0], width = input.shape[1], channels = input.shape.size() == 3 ? input.shape[2] : 1;
  int64_t factor = (std::max(height, width) + kLargestSide - 1) / kLargestSide;
  int64_t rows = (height + factor - 1) / factor, columns = (width + factor - 1) / factor;
  double scale = high > low ? 255 / (high - low) : 0;
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        double sum = 0, count = 0;
        for (int64_t v = y * factor; v < std::min(height, (y + 1) * factor); ++v) {
          for (int64_t u = x * factor; u < std::min(width, (x + 1) * factor); ++u, ++count)
            sum += values[static_cast<size_t>((v * width + u) * channels + c)];
        }
        pixels.push_back(static_cast<uint8_t>(std::clamp((sum / count - low) * scale, 0.0, 255.0)));
      }
    }
  }
  return data_uri("image/png", png_bytes(pixels, rows, columns, channels));
}

}  // namespace

void undo(const Normalisation &normalisation, std::vector<double> &values) {
  size_t groups = normalisation.offset.size();
  for (size_t i = 0; i < values.size() && groups > 0; ++i)
    values[i] = values[i] / normalisation.scale[i % groups] + normalisation.offset[i % groups];
}

void write_sample(JsonText &out, const Field &input, const Schema &schema, const std::vector<double> &values,
                  double low, double high) {
  if (is_picture(input)) return out.member("image", picture_uri(input, values, low, high));
  bool named = schema.features.size() == values.size();
  out.key(named ? "features" : "series");
  out.open('[');
  for (size_t i = 0; i < std::min(values.size(), named ? kMostFeatures : kLongestSeries); ++i) {
    if (named) out.string(schema.features[i]);
    out.number(values[i]);
  }
  out.close(']');
}

}  // namespace netc::runtime
