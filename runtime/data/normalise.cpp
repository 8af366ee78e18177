#include "runtime/data/normalise.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/data/arguments.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

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

struct NormalisationFit::Statistics {
  double mean = 0, deviation = 0, smallest = 0, largest = 0;
};

NormalisationFit::NormalisationFit(const NormalisationChoice &choice, int64_t groups, std::vector<bool> as_they_are)
    : choice_(choice), groups_(static_cast<size_t>(groups)), as_they_are_(std::move(as_they_are)) {}

int NormalisationFit::passes(const Array &array) const {
  if (choice_.kind == NormalisationKind::none) return 0;
  return array.values.index() == 1 ? 1 : 2;
}

void NormalisationFit::add(int pass, const Array &array, const std::vector<int64_t> &rows) {
  size_t width = static_cast<size_t>(array.elements());
  if (const auto *bytes = std::get_if<std::vector<uint8_t>>(&array.values))
    add_bytes(*bytes, width, rows);
  else
    add_reals(pass, std::get<std::vector<float>>(array.values), width, rows);
}

// Bytes are counted: exact, and the statistics come from 256 counts.
void NormalisationFit::add_bytes(const std::vector<uint8_t> &values, size_t width, const std::vector<int64_t> &rows) {
  counts_.resize(groups_ * 256);
  for (int64_t row : rows) {
    const uint8_t *sample = values.data() + static_cast<size_t>(row) * width;
    size_t group = 0;
    for (size_t e = 0; e < width; ++e) {
      ++counts_[group * 256 + sample[e]];
      if (++group == groups_) group = 0;
    }
  }
}

void NormalisationFit::add_reals(int pass, const std::vector<float> &values, size_t width,
                                 const std::vector<int64_t> &rows) {
  sums_.resize(groups_);
  squares_.resize(groups_);
  smallest_.resize(groups_, std::numeric_limits<double>::infinity());
  largest_.resize(groups_, -std::numeric_limits<double>::infinity());
  if (pass == 0) number_ += static_cast<double>(rows.size()) * static_cast<double>(width / groups_);
  std::vector<double> means(groups_);
  for (size_t group = 0; group < groups_; ++group) means[group] = sums_[group] / number_;
  for (int64_t row : rows)
    for (size_t e = 0; e < width; ++e) {
      double value = static_cast<double>(values[static_cast<size_t>(row) * width + e]);
      size_t group = e % groups_;
      if (pass == 0) {
        sums_[group] += value;
        smallest_[group] = std::min(smallest_[group], value);
        largest_[group] = std::max(largest_[group], value);
      } else {
        squares_[group] += (value - means[group]) * (value - means[group]);
      }
    }
}

std::vector<NormalisationFit::Statistics> NormalisationFit::statistics() const {
  std::vector<Statistics> result(groups_);
  for (size_t group = 0; group < groups_; ++group) {
    Statistics &s = result[group];
    if (counts_.empty()) {
      s = {sums_[group] / number_, std::sqrt(squares_[group] / number_), smallest_[group], largest_[group]};
      continue;
    }
    double number = 0, sum = 0, squares = 0;
    for (size_t value = 0; value < 256; ++value) {
      double count = static_cast<double>(counts_[group * 256 + value]), v = static_cast<double>(value);
      if (count == 0) continue;
      if (number == 0) s.smallest = v;
      s.largest = v;
      number += count;
      sum += count * v;
    }
    s.mean = sum / number;
    for (size_t value = 0; value < 256; ++value) {
      double distance = static_cast<double>(value) - s.mean;
      squares += static_cast<double>(counts_[group * 256 + value]) * distance * distance;
    }
    s.deviation = std::sqrt(squares / number);
  }
  return result;
}

Normalisation NormalisationFit::result() const {
  Normalisation result;
  if (choice_.kind == NormalisationKind::none) {
    if (choice_.rescale == 1) return result;
    result.offset = {0.0f};
    result.scale = {static_cast<float>(choice_.rescale)};
    return result;
  }
  std::vector<Statistics> all = statistics();
  for (size_t group = 0; group < groups_; ++group) {
    const Statistics &s = all[group];
    double offset = 0, scale = 1;
    bool keep = group < as_they_are_.size() && as_they_are_[group];
    if (!keep && choice_.kind == NormalisationKind::min_max) {
      offset = s.smallest;
      scale = inverse(s.largest - s.smallest);
    } else if (!keep) {
      if (choice_.kind != NormalisationKind::deviation) offset = s.mean;
      scale = choice_.kind == NormalisationKind::mean ? choice_.rescale : inverse(s.deviation);
    }
    result.offset.push_back(static_cast<float>(offset));
    result.scale.push_back(static_cast<float>(scale));
  }
  return result;
}

FillFit::FillFit(const MissingPolicy &policy, int64_t columns)
    : policy_(policy),
      sums_(static_cast<size_t>(columns)),
      numbers_(static_cast<size_t>(columns)),
      values_(static_cast<size_t>(columns)) {}

void FillFit::add(const Array &features, const std::vector<int64_t> &rows) {
  const auto &values = std::get<std::vector<float>>(features.values);
  for (size_t column = 0; column < sums_.size(); ++column)
    for (int64_t row : rows) {
      float value = values[static_cast<size_t>(row) * sums_.size() + column];
      if (std::isnan(value)) continue;
      sums_[column] += static_cast<double>(value);
      numbers_[column] += 1;
      if (policy_.kind == Missing::median || policy_.kind == Missing::most_frequent) values_[column].push_back(value);
    }
}

namespace {

// Of two in the middle, the mean.
float median(const std::vector<float> &sorted) {
  size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2;
}

// Of several, the smallest.
float most_frequent(const std::vector<float> &sorted) {
  size_t best = 0, most = 0;
  for (size_t begin = 0, end = 0; begin < sorted.size(); begin = end) {
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    if (end - begin > most) {
      most = end - begin;
      best = begin;
    }
  }
  return sorted[best];
}

}  // namespace

Result<std::vector<float>> FillFit::result(const RawData &data) {
  std::vector<float> fill(sums_.size(), policy_.value);
  if (policy_.kind == Missing::constant) return fill;
  for (size_t column = 0; column < fill.size(); ++column) {
    if (numbers_[column] == 0) {
      bool named = data.schema.features.size() == fill.size();
      std::string kind = policy_.kind == Missing::mean ? "mean" : policy_.kind == Missing::median ? "median" : "mode";
      return fail(data.source + ": the column " + (named ? data.schema.features[column] : std::to_string(column)) +
                      " has no value to take the " + kind + " of",
                  named ? "drop = [\"" + data.schema.features[column] + "\"] leaves it out" : "");
    }
    std::vector<float> &values = values_[column];
    std::sort(values.begin(), values.end());
    fill[column] = policy_.kind == Missing::mean     ? static_cast<float>(sums_[column] / numbers_[column])
                   : policy_.kind == Missing::median ? median(values)
                                                     : most_frequent(values);
  }
  return fill;
}

void apply_fill(const std::vector<float> &fill, Array &features) {
  auto &values = std::get<std::vector<float>>(features.values);
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isnan(values[i])) values[i] = fill[i % fill.size()];
}

}  // namespace netc::runtime
