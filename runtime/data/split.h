// Divides samples in two by lot: split(10%, stratified = true, seed = 7).
//
// Each sample (or group) draws a 64-bit number from (seed, purpose, sample) and those with the smallest are taken, so
// the outcome depends on the seed and the number of samples alone.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "runtime/data/reader.h"
#include "support/result.h"

namespace netc::runtime {

struct SplitOptions {
  double fraction = 0;      // in (0, 1); round(fraction * samples) are taken
  bool stratified = false;  // each class is divided in the same proportion (largest remainders)
  bool by_group = false;    // samples of a group stay together; whole groups are taken until there are enough
  uint64_t seed = 0;
};
// `call` is {"call": "split", ...}; by_group is set when the data has groups.
Result<SplitOptions> split_options(const nlohmann::json &call, uint64_t seed);

struct SplitRows {
  std::vector<int64_t> kept, taken;  // ascending, together `rows`
};
// Fold `fold` (from 0) of k_fold(k, stratified = false, seed = n): its rows are taken. The folds have the same size,
// give or take one sample, or groups stay together; stratified, each class is dealt out alike.
Result<SplitRows> fold_rows(const std::vector<int64_t> &rows, const nlohmann::json &call, int64_t fold, uint64_t seed,
                            const RawData &data);
// The k of k_fold(k).
Result<int64_t> fold_count(const nlohmann::json &call);

// `purpose` keeps the lots of validation (0), test (1) and samples of the training data (2) apart. The classes and
// groups are those of `data`.
Result<SplitRows> split_rows(const std::vector<int64_t> &rows, const SplitOptions &options, uint32_t purpose,
                             const RawData &data);

}  // namespace netc::runtime
