// Fitting what depends on the training split: means for missing values, the normalisation.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "runtime/data/dataset.h"

namespace netc::runtime {

enum class NormalisationKind {
  none,         // value * rescale
  mean,         // (value - mean) * rescale
  deviation,    // value / standard deviation
  standardize,  // (value - mean) / standard deviation
  min_max,      // (value - smallest) / (largest - smallest)
};

// The keys `normalize` (a kind, none, or scale(n): value / n) and `rescale` (a factor).
struct NormalisationChoice {
  NormalisationKind kind = NormalisationKind::none;
  double rescale = 1;
};
Result<NormalisationChoice> normalisation_choice(const nlohmann::json &data);

// Fits to these rows of `array`: one offset and scale for each of `groups` residues of the element number (features, or
// channels of an image). The standard deviation is that of the population; where it (or the range) is 0, the scale
// is 1. Groups marked in `as_they_are` (categories) keep their values. Sums are in f64, in the order of the rows.
Normalisation fit_normalisation(const NormalisationChoice &choice, const Array &array, const std::vector<int64_t> &rows,
                                int64_t groups, const std::vector<bool> &as_they_are);

// The mean of each column of a table over these rows, NaN left out. An error names a column without any value.
Result<std::vector<float>> fit_fill(const RawData &data, const std::vector<int64_t> &rows);
// Puts fill[column] in place of NaN.
void apply_fill(const std::vector<float> &fill, Array &features);

}  // namespace netc::runtime
