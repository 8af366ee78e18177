// k_fold: the training data in k parts, each of which is the validation set of one training.
#include <algorithm>
#include <map>

#include "runtime/cli/train_folds.h"
#include "runtime/data/arguments.h"
#include "runtime/data/module.h"
#include "runtime/data/split.h"
#include "runtime/random.h"
#include "runtime/train/values.h"

namespace netc::runtime {

Result<int64_t> fold_count(const nlohmann::json &call) {
  const nlohmann::json *folds = argument(call, "folds", 0);
  if (!folds || !folds->is_number_integer() || folds->get<int64_t>() < 2 || folds->get<int64_t>() > 1000)
    return fail("k_fold takes a number of folds from 2 to 1000, found " + (folds ? folds->dump() : "none"),
                "for example k_fold(5)");
  return folds->get<int64_t>();
}

Result<SplitRows> fold_rows(const std::vector<int64_t> &rows, const nlohmann::json &call, int64_t fold, uint64_t seed,
                            const RawData &data) {
  if (auto known = check_named_arguments(call, {"folds", "stratified", "seed"}); !known)
    return tl::unexpected(known.error());
  auto folds = fold_count(call);
  auto stratified = boolean_argument(call, "stratified", false);
  if (!folds) return tl::unexpected(folds.error());
  if (!stratified) return tl::unexpected(stratified.error());
  if (const nlohmann::json *own = argument(call, "seed")) {
    if (!own->is_number_unsigned()) return fail("k_fold: seed is a whole number from 0, found " + own->dump());
    seed = own->get<uint64_t>();
  }
  const auto *classes = std::get_if<std::vector<int32_t>>(&data.targets.values);
  if (*stratified && (!classes || classes->empty() || !data.groups.empty()))
    return fail(data.source + ": stratified folds need a target that is a class, and no groups",
                "write k_fold without stratified = true");
  // What is dealt out: groups, or samples. First the large groups, each to the smallest fold; of the same size, by
  // class if that is asked for, then by lot.
  std::map<int64_t, std::vector<int64_t>> members;
  for (int64_t row : rows) members[data.groups.empty() ? row : data.groups[static_cast<size_t>(row)]].push_back(row);
  if (static_cast<int64_t>(members.size()) < *folds)
    return fail(data.source + ": " + std::to_string(members.size()) +
                (data.groups.empty() ? " samples" : " groups of samples") + " are too few for " +
                std::to_string(*folds) + " folds");
  struct Lot {
    size_t size;
    int32_t label;
    uint64_t key;
    const std::vector<int64_t> *rows;
    auto order() const { return std::tuple(-static_cast<int64_t>(size), label, key, rows->front()); }
  };
  std::vector<Lot> lots;
  constexpr uint32_t kPurpose = 3;  // validation, test and samples of the training data have 0, 1 and 2
  for (const auto &[element, list] : members) {
    auto words = random_words(seed, RandomUse::split, kPurpose, static_cast<uint64_t>(element));
    int32_t label = *stratified ? (*classes)[static_cast<size_t>(list.front())] : 0;
    lots.push_back({list.size(), label, static_cast<uint64_t>(words[0]) << 32 | words[1], &list});
  }
  std::sort(lots.begin(), lots.end(), [](const Lot &a, const Lot &b) { return a.order() < b.order(); });
  std::vector<size_t> sizes(static_cast<size_t>(*folds));
  SplitRows result;
  for (const Lot &lot : lots) {
    auto smallest = std::min_element(sizes.begin(), sizes.end());
    *smallest += lot.size;
    auto &into = smallest - sizes.begin() == fold ? result.taken : result.kept;
    into.insert(into.end(), lot.rows->begin(), lot.rows->end());
  }
  std::sort(result.taken.begin(), result.taken.end());
  std::sort(result.kept.begin(), result.kept.end());
  return result;
}

}  // namespace netc::runtime

const nc_folds_module nc_module_k_fold = {{"split", "k_fold"}, netc::runtime::fold_rows, netc::runtime::train_folds};
