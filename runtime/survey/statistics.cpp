#include <cmath>
#include <limits>
#include <numeric>

#include "runtime/survey/survey.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

constexpr size_t kBins = 20;
constexpr double kFarOut = 5;  // deviations from the mean

struct FeatureStatistics {
  std::string name;
  double count = 0, missing = 0, sum = 0, squares = 0, outliers = 0;
  double smallest = std::numeric_limits<double>::infinity(), largest = -smallest;
  std::vector<int64_t> histogram = std::vector<int64_t>(kBins);

  double mean() const { return count > 0 ? sum / count : 0; }
  double deviation() const { return count > 0 ? std::sqrt(squares / count) : 0; }
};

bool is_picture_input(const Field &input) { return !input.is_class && input.shape.size() == 3 && input.shape[2] <= 4; }

// The names of the features of an input, one for each residue of the element number.
std::vector<std::string> feature_names(const Field &input, const Schema &schema, bool several) {
  std::vector<std::string> names;
  if (is_picture_input(input)) {
    static const char *const kColours[] = {"red", "green", "blue", "alpha"};
    for (int64_t channel = 0; channel < input.shape[2]; ++channel)
      names.push_back(input.shape[2] == 1 ? input.name : kColours[channel]);
    return names;
  }
  int64_t count = input.shape.empty() ? 1 : input.shape.back();
  if (!several && input.shape.size() <= 1 && schema.categories.empty() &&
      static_cast<int64_t>(schema.features.size()) == count)
    return schema.features;
  for (int64_t i = 0; i < count; ++i)
    names.push_back(count == 1 ? input.name : input.name + "[" + std::to_string(i) + "]");
  return names;
}

template <typename Each>
void for_each_value(const Array &array, const std::vector<int64_t> &rows, size_t features, const Each &each) {
  std::visit(
      [&](const auto &values) {
        size_t width = static_cast<size_t>(array.elements());
        for (int64_t row : rows)
          for (size_t e = 0; e < width; ++e)
            each(e % features, static_cast<double>(values[static_cast<size_t>(row) * width + e]));
      },
      array.values);
}

}  // namespace

std::vector<SurveyPart> survey_parts(const DataSets &data) {
  std::vector<SurveyPart> parts;
  for (SurveyPart part : {SurveyPart{"train", &data.train}, {"validation", &data.validation}, {"test", &data.test}})
    if (!part.dataset->empty()) parts.push_back(part);
  return parts;
}

Result<json> feature_statistics(const DataSets &data, const std::vector<Field> &inputs) {
  const Samples &samples = *data.train.samples;
  std::vector<std::vector<FeatureStatistics>> all(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    for (const std::string &name : feature_names(inputs[i], data.preparation.schema, inputs.size() > 1))
      all[i].push_back({.name = name});
  using Measure = void (*)(FeatureStatistics &, double);
  const Measure first = [](FeatureStatistics &s, double value) {
    if (std::isnan(value)) {
      ++s.missing;
      return;
    }
    ++s.count;
    s.sum += value;
    s.smallest = std::min(s.smallest, value);
    s.largest = std::max(s.largest, value);
  };
  const Measure second = [](FeatureStatistics &s, double value) {
    if (std::isnan(value)) return;
    s.squares += (value - s.mean()) * (value - s.mean());
    double range = s.largest - s.smallest, place = range > 0 ? (value - s.smallest) / range : 0;
    ++s.histogram[std::min(kBins - 1, static_cast<size_t>(place * kBins))];
  };
  const Measure third = [](FeatureStatistics &s, double value) {
    s.outliers += std::fabs(value - s.mean()) > kFarOut * s.deviation();
  };
  for (Measure measure : {first, second, third}) {
    auto done =
        for_each_part(samples, data.train.rows, [&](std::span<const Array> arrays, const std::vector<int64_t> &rows) {
          for (size_t i = 0; i < all.size(); ++i)
            for_each_value(arrays[i], rows, all[i].size(),
                           [&](size_t feature, double value) { measure(all[i][feature], value); });
        });
    if (!done) return tl::unexpected(done.error());
  }
  json list = json::array();
  for (const auto &features : all)
    for (const FeatureStatistics &s : features) {
      json one = {{"name", s.name}, {"missing", s.missing}, {"outliers", s.outliers}, {"histogram", s.histogram}};
      if (s.count > 0)
        one.update({{"min", s.smallest}, {"max", s.largest}, {"mean", s.mean()}, {"deviation", s.deviation()}});
      one["constant"] = s.count > 0 && s.smallest == s.largest;
      list.push_back(std::move(one));
    }
  return list;
}

}  // namespace netc::runtime
