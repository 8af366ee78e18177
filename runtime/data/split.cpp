#include "runtime/data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "runtime/data/arguments.h"
#include "runtime/random.h"

namespace netc::runtime {
namespace {

uint64_t lot(const SplitOptions &options, uint32_t purpose, int64_t element) {
  auto words = random_words(options.seed, RandomUse::split, purpose, static_cast<uint64_t>(element));
  return static_cast<uint64_t>(words[0]) << 32 | words[1];
}

// The elements in the order of their lots.
std::vector<int64_t> drawn(std::vector<int64_t> elements, const SplitOptions &options, uint32_t purpose) {
  std::vector<std::pair<uint64_t, int64_t>> keyed;
  keyed.reserve(elements.size());
  for (int64_t element : elements) keyed.emplace_back(lot(options, purpose, element), element);
  std::sort(keyed.begin(), keyed.end());
  for (size_t i = 0; i < keyed.size(); ++i) elements[i] = keyed[i].second;
  return elements;
}

// How many of each class are taken: shares rounded down, the rest to the largest remainders, so that the sum is
// `total`.
std::map<int32_t, size_t> quotas(const std::map<int32_t, std::vector<int64_t>> &by_class, double fraction,
                                 size_t total) {
  std::map<int32_t, size_t> quota;
  std::vector<std::tuple<double, int32_t>> remainders;
  size_t sum = 0;
  for (const auto &[label, members] : by_class) {
    double share = fraction * static_cast<double>(members.size());
    quota[label] = static_cast<size_t>(share);
    sum += quota[label];
    remainders.emplace_back(std::floor(share) - share, label);
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; sum < total && i < remainders.size(); ++i, ++sum) ++quota[std::get<1>(remainders[i])];
  return quota;
}

}  // namespace

Result<SplitOptions> split_options(const nlohmann::json &call, uint64_t seed) {
  SplitOptions options;
  options.seed = seed;
  if (auto known = check_named_arguments(call, {"fraction", "stratified", "seed"}); !known)
    return tl::unexpected(known.error());
  const nlohmann::json *fraction = named_argument(call, "fraction");
  if (!fraction && call.contains("args") && call["args"].is_array() && call["args"].size() == 1)
    fraction = &call["args"][0];
  if (!fraction || !fraction->is_number() || !(fraction->get<double>() > 0 && fraction->get<double>() < 1))
    return fail("split takes a share between 0% and 100%, found " + (fraction ? fraction->dump() : std::string("none")),
                "for example split(10%)");
  options.fraction = fraction->get<double>();
  auto stratified = boolean_argument(call, "stratified", false);
  if (!stratified) return tl::unexpected(stratified.error());
  options.stratified = *stratified;
  if (const nlohmann::json *own = named_argument(call, "seed")) {
    if (!own->is_number_integer() ||
        (own->is_number_integer() && !own->is_number_unsigned() && own->get<int64_t>() < 0))
      return fail("split: seed is a whole number from 0, found " + own->dump());
    options.seed = own->get<uint64_t>();
  }
  return options;
}

Result<SplitRows> split_rows(const std::vector<int64_t> &rows, const SplitOptions &options, uint32_t purpose,
                             const RawData &data) {
  size_t total = static_cast<size_t>(std::llround(options.fraction * static_cast<double>(rows.size())));
  if (total == 0 || total >= rows.size())
    return fail(data.source + ": a split of " + std::to_string(rows.size()) + " samples would " +
                (total == 0 ? "take none" : "leave none"));
  std::vector<char> is_taken(static_cast<size_t>(data.features.count), 0);
  const auto take = [&](int64_t row) { is_taken[static_cast<size_t>(row)] = 1; };
  if (options.by_group) {
    if (options.stratified) return fail(data.source + ": a split is stratified or keeps groups together, not both");
    std::map<int64_t, std::vector<int64_t>> members;
    for (int64_t row : rows) members[data.groups[static_cast<size_t>(row)]].push_back(row);
    std::vector<int64_t> groups;
    for (const auto &item : members) groups.push_back(item.first);
    size_t count = 0;
    for (int64_t group : drawn(groups, options, purpose)) {
      if (count >= total) break;
      count += members[group].size();
      for (int64_t row : members[group]) take(row);
    }
    if (count == rows.size()) return fail(data.source + ": too few groups for a split");
  } else if (options.stratified) {
    const auto *classes = std::get_if<std::vector<int32_t>>(&data.targets.values);
    if (!classes || classes->empty())
      return fail(data.source + ": a stratified split needs a target that is a class",
                  "write split without stratified = true");
    std::map<int32_t, std::vector<int64_t>> by_class;
    for (int64_t row : rows) by_class[(*classes)[static_cast<size_t>(row)]].push_back(row);
    auto quota = quotas(by_class, options.fraction, total);
    for (const auto &[label, members] : by_class) {
      auto order = drawn(members, options, purpose);
      for (size_t i = 0; i < quota[label]; ++i) take(order[i]);
    }
  } else {
    auto order = drawn(rows, options, purpose);
    for (size_t i = 0; i < total; ++i) take(order[i]);
  }
  SplitRows result;
  for (int64_t row : rows) (is_taken[static_cast<size_t>(row)] ? result.taken : result.kept).push_back(row);
  return result;
}

}  // namespace netc::runtime
