// What the keys `test` and `validation` of a `data` section, and `--sample`, take of the training samples by lot.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "runtime/data/module.h"
#include "runtime/data/split.h"

namespace netc::runtime {

// Whether the value of such a key is split(...) or k_fold(...), not a reader of files of its own.
bool is_split(const nlohmann::json &call);

// The samples `rows` of `data` divided as the key says; both need is_split() of it. The validation set of k_fold is
// fold number `fold` of the section, the first when there is no such key.
Result<SplitRows> split_for_test(const std::vector<int64_t> &rows, const nlohmann::json &section, uint64_t seed,
                                 const RawData &data);
Result<SplitRows> split_for_validation(const std::vector<int64_t> &rows, const nlohmann::json &section,
                                       const Modules &modules, uint64_t seed, const RawData &data);

// The share `sample`, in (0, 1], of the rows: of each class the same.
Result<std::vector<int64_t>> sample_of_rows(const std::vector<int64_t> &rows, double sample, uint64_t seed,
                                            const RawData &data);

}  // namespace netc::runtime
