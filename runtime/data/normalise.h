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

// Fits one offset and scale for each of `groups` residues of the element number (features, or channels of an image).
// The standard deviation is that of the population; where it (or the range) is 0, the scale is 1. Groups marked in
// `as_they_are` (categories) keep their values. The samples come in parts, in the same order in every pass: a set in
// memory is one part, a streamed one has one for each block. Sums are in f64, in the order of the samples, so the
// result does not depend on the parts.
class NormalisationFit {
 public:
  NormalisationFit(const NormalisationChoice &choice, int64_t groups, std::vector<bool> as_they_are);

  // How often add() has to see all samples of arrays with this type of values: 0 where nothing depends on them.
  int passes(const Array &array) const;
  void add(int pass, const Array &array, const std::vector<int64_t> &rows);
  Normalisation result() const;

 private:
  struct Statistics;
  void add_bytes(const std::vector<uint8_t> &values, size_t width, const std::vector<int64_t> &rows);
  void add_reals(int pass, const std::vector<float> &values, size_t width, const std::vector<int64_t> &rows);
  std::vector<Statistics> statistics() const;

  NormalisationChoice choice_;
  size_t groups_;
  std::vector<bool> as_they_are_;
  std::vector<uint64_t> counts_;  // of bytes: 256 for each group
  // Of reals, for each group.
  std::vector<double> sums_, squares_, smallest_, largest_;
  double number_ = 0;
};

// Fits the value that is put in place of missing ones in each column of a table. The samples come in parts as above, in
// one pass; NaN is left out.
class FillFit {
 public:
  FillFit(const MissingPolicy &policy, int64_t columns);
  void add(const Array &features, const std::vector<int64_t> &rows);
  // An error names a column without any value; `data` has the names.
  Result<std::vector<float>> result(const RawData &data);

 private:
  MissingPolicy policy_;
  std::vector<double> sums_, numbers_;
  std::vector<std::vector<float>> values_;  // of median and most_frequent
};
// Puts fill[column] in place of NaN.
void apply_fill(const std::vector<float> &fill, Array &features);

}  // namespace netc::runtime
