#include "runtime/data/normalise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/data/arguments.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

struct Statistics {
  double mean = 0, deviation = 0;
  double smallest = std::numeric_limits<double>::infinity(), largest = -std::numeric_limits<double>::infinity();
};

// Bytes are counted first: exact, and the statistics come from 256 counts.
std::vector<Statistics> statistics_of_bytes(const std::vector<uint8_t> &values, size_t width,
                                            const std::vector<int64_t> &rows, size_t groups) {
  std::vector<uint64_t> counts(groups * 256);
  for (int64_t row : rows) {
    const uint8_t *sample = values.data() + static_cast<size_t>(row) * width;
    size_t group = 0;
    for (size_t e = 0; e < width; ++e) {
      ++counts[group * 256 + sample[e]];
      if (++group == groups) group = 0;
    }
  }
  std::vector<Statistics> result(groups);
  for (size_t group = 0; group < groups; ++group) {
    Statistics &s = result[group];
    double number = 0, sum = 0, squares = 0;
    for (size_t value = 0; value < 256; ++value) {
      double count = static_cast<double>(counts[group * 256 + value]), v = static_cast<double>(value);
      if (count == 0) continue;
      number += count;
      sum += count * v;
      s.smallest = std::min(s.smallest, v);
      s.largest = std::max(s.largest, v);
    }
    s.mean = sum / number;
    for (size_t value = 0; value < 256; ++value) {
      double distance = static_cast<double>(value) - s.mean;
      squares += static_cast<double>(counts[group * 256 + value]) * distance * distance;
    }
    s.deviation = std::sqrt(squares / number);
  }
  return result;
}

std::vector<Statistics> statistics_of_reals(const std::vector<float> &values, size_t width,
                                            const std::vector<int64_t> &rows, size_t groups) {
  std::vector<Statistics> result(groups);
  double number = static_cast<double>(rows.size()) * static_cast<double>(width / groups);
  const auto each = [&](auto &&visit) {
    for (int64_t row : rows)
      for (size_t e = 0; e < width; ++e)
        visit(result[e % groups], static_cast<double>(values[static_cast<size_t>(row) * width + e]));
  };
  each([](Statistics &s, double value) {
    s.mean += value;
    s.smallest = std::min(s.smallest, value);
    s.largest = std::max(s.largest, value);
  });
  for (Statistics &s : result) s.mean /= number;
  each([](Statistics &s, double value) { s.deviation += (value - s.mean) * (value - s.mean); });
  for (Statistics &s : result) s.deviation = std::sqrt(s.deviation / number);
  return result;
}

// A spread this small is a constant column: its inverse would not fit f32.
double inverse(double value) { return value > 1e-30 ? 1 / value : 1; }

}  // namespace

Result<NormalisationChoice> normalisation_choice(const nlohmann::json &data) {
  NormalisationChoice choice;
  if (auto rescale = data.find("rescale"); rescale != data.end() && !rescale->is_null()) {
    if (!rescale->is_number() || !std::isfinite(rescale->get<double>()) || rescale->get<double>() == 0)
      return fail("rescale is a factor other than 0, found " + rescale->dump(), "for example rescale = 1 / 255");
    choice.rescale = rescale->get<double>();
  }
  auto normalize = data.find("normalize");
  if (normalize == data.end() || normalize->is_null()) return choice;
  if (call_name(*normalize) == "scale") {
    const nlohmann::json *divisor = nullptr;
    if (auto args = normalize->find("args"); args != normalize->end() && args->is_array() && args->size() == 1)
      divisor = &(*args)[0];
    if (!divisor || !divisor->is_number() || !(std::fabs(divisor->get<double>()) > 0) ||
        !std::isfinite(divisor->get<double>()))
      return fail("scale takes the number to divide by", "for example normalize = scale(255)");
    choice.rescale /= divisor->get<double>();
    return choice;
  }
  static const std::pair<const char *, NormalisationKind> kinds[] = {{"none", NormalisationKind::none},
                                                                     {"mean", NormalisationKind::mean},
                                                                     {"deviation", NormalisationKind::deviation},
                                                                     {"standardize", NormalisationKind::standardize},
                                                                     {"min_max", NormalisationKind::min_max}};
  std::string name = text_of(*normalize).value_or(call_name(*normalize));
  std::vector<std::string> names;
  for (auto [known, kind] : kinds) {
    if (name == known) {
      choice.kind = kind;
      return choice;
    }
    names.push_back(known);
  }
  names.push_back("scale(255)");
  std::string near = nearest_word(name, names);
  return fail("normalize does not know " + in_quotes(name.empty() ? normalize->dump() : name),
              near.empty() ? "it is " + listed(names) : "did you mean " + near + "?");
}

Normalisation fit_normalisation(const NormalisationChoice &choice, const Array &array, const std::vector<int64_t> &rows,
                                int64_t groups, const std::vector<bool> &as_they_are) {
  size_t count = static_cast<size_t>(groups), width = static_cast<size_t>(array.elements());
  Normalisation result;
  if (choice.kind == NormalisationKind::none && choice.rescale == 1) return result;
  if (choice.kind == NormalisationKind::none) {
    result.offset = {0.0f};
    result.scale = {static_cast<float>(choice.rescale)};
    return result;
  }
  const auto *bytes = std::get_if<std::vector<uint8_t>>(&array.values);
  auto statistics = bytes ? statistics_of_bytes(*bytes, width, rows, count)
                          : statistics_of_reals(std::get<std::vector<float>>(array.values), width, rows, count);
  for (size_t group = 0; group < count; ++group) {
    const Statistics &s = statistics[group];
    double offset = 0, scale = 1;
    bool keep = group < as_they_are.size() && as_they_are[group];
    if (!keep && choice.kind == NormalisationKind::min_max) {
      offset = s.smallest;
      scale = inverse(s.largest - s.smallest);
    } else if (!keep) {
      if (choice.kind != NormalisationKind::deviation) offset = s.mean;
      scale = choice.kind == NormalisationKind::mean ? choice.rescale : inverse(s.deviation);
    }
    result.offset.push_back(static_cast<float>(offset));
    result.scale.push_back(static_cast<float>(scale));
  }
  return result;
}

Result<std::vector<float>> fit_fill(const RawData &data, const std::vector<int64_t> &rows) {
  size_t width = static_cast<size_t>(data.features.elements());
  const auto &values = std::get<std::vector<float>>(data.features.values);
  std::vector<float> fill(width);
  for (size_t column = 0; column < width; ++column) {
    double sum = 0, number = 0;
    for (int64_t row : rows) {
      float value = values[static_cast<size_t>(row) * width + column];
      if (std::isnan(value)) continue;
      sum += static_cast<double>(value);
      number += 1;
    }
    if (number == 0) {
      bool named = data.schema.features.size() == width;
      return fail(data.source + ": the column " + (named ? data.schema.features[column] : std::to_string(column)) +
                      " has no value to take the mean of",
                  named ? "drop = [\"" + data.schema.features[column] + "\"] leaves it out" : "");
    }
    fill[column] = static_cast<float>(sum / number);
  }
  return fill;
}

void apply_fill(const std::vector<float> &fill, Array &features) {
  auto &values = std::get<std::vector<float>>(features.values);
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) values[i] = fill[i % fill.size()];
}

}  // namespace netc::runtime
