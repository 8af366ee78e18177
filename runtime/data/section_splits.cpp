#include "runtime/data/section_splits.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/data/arguments.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// Their lots are drawn apart from each other; k_fold has a purpose of its own.
enum Purpose : uint32_t { for_validation = 0, for_test = 1, for_sample = 2 };

Result<SplitRows> split_by_call(const std::vector<int64_t> &rows, const json &call, Purpose purpose, uint64_t seed,
                                const RawData &data) {
  auto options = split_options(call, seed);
  if (!options) return tl::unexpected(options.error());
  options->by_group = !data.groups.empty();
  return split_rows(rows, *options, purpose, data);
}

tl::unexpected<Error> misplaced_folds() { return fail("k_fold divides the training data: validation = k_fold(5)"); }

}  // namespace

bool is_split(const json &call) { return call_name(call) == "split" || call_name(call) == "k_fold"; }

Result<SplitRows> split_for_test(const std::vector<int64_t> &rows, const json &section, uint64_t seed,
                                 const RawData &data) {
  const json call = section.value("test", json());
  if (call_name(call) == "k_fold") return misplaced_folds();
  return split_by_call(rows, call, for_test, seed, data);
}

Result<SplitRows> split_for_validation(const std::vector<int64_t> &rows, const json &section, const Modules &modules,
                                       uint64_t seed, const RawData &data) {
  const json call = section.value("validation", json());
  if (call_name(call) != "k_fold") return split_by_call(rows, call, for_validation, seed, data);
  const nc_folds_module *folds = modules.folds();
  if (!folds) return misplaced_folds();
  return folds->split(rows, call, section.value("fold", int64_t{1}) - 1, seed, data);
}

Result<std::vector<int64_t>> sample_of_rows(const std::vector<int64_t> &rows, double sample, uint64_t seed,
                                            const RawData &data) {
  auto count = static_cast<double>(rows.size());
  if (count == 0 || std::round(sample * count) == count) return rows;
  const auto *classes = std::get_if<std::vector<int32_t>>(&data.targets.values);
  auto divided = split_rows(rows, {sample, classes && !classes->empty(), false, seed}, for_sample, data);
  if (!divided) return tl::unexpected(divided.error());
  return std::move(divided->taken);
}

}  // namespace netc::runtime
