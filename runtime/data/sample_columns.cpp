#include "runtime/data/sample_columns.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/data/array.h"
#include "runtime/data/binary.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// A number for each sample of `data`.
Result<RawData> read_numbers(const json &path, const char *key, const Modules &modules, const std::string &root,
                             const RawData &data) {
  if (!path.is_string())
    return fail(std::string(key) + " is the path of an npy file with a number for each sample, found " + path.dump());
  const json call = {{"call", "npy"}, {"args", {path}}};
  ReadRequest request;
  request.root = root;
  request.call = &call;
  request.modules = &modules;
  request.needs_targets = false;
  auto read = modules.reader("npy")->read(request);
  if (!read) return read;
  if (read->features.elements() != 1 || read->features.count != data.features.count)
    return fail(read->source + ": " + std::to_string(read->features.count) + " samples of " +
                shape_text(element_type(read->features), read->features.shape) +
                ", expected a number for each of the " + std::to_string(data.features.count) + " samples of " +
                data.source);
  return read;
}

Result<std::vector<float>> weights_of(RawData numbers) {
  Array reals = as_reals(std::move(numbers.features));
  auto &values = std::get<std::vector<float>>(reals.values);
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] < 0) return fail(numbers.source + ": sample " + std::to_string(i) + ": a sample weight is negative");
  return std::move(values);
}

// Reals must be whole, and so small that neighbours are not the same in f32.
Result<std::vector<int64_t>> groups_of(const RawData &numbers) {
  if (const auto *reals = std::get_if<std::vector<float>>(&numbers.features.values))
    for (size_t i = 0; i < reals->size(); ++i)
      if (float value = (*reals)[i]; value != std::floor(value) || std::fabs(value) >= 0x1p24f)
        return fail(numbers.source + ": sample " + std::to_string(i) + ": the group " + json(value).dump() +
                        " is no whole number below 16777216",
                    "number the groups, and store the numbers as int32");
  std::vector<int64_t> groups;
  std::visit([&](const auto &values) { groups.assign(values.begin(), values.end()); }, numbers.features.values);
  return groups;
}

}  // namespace

Result<void> read_sample_columns(const json &section, const Modules &modules, const std::string &root, RawData &data) {
  if (const json path = section.value("sample_weight", json()); !path.is_null()) {
    auto numbers = read_numbers(path, "sample_weight", modules, root, data);
    if (!numbers) return tl::unexpected(numbers.error());
    auto weights = weights_of(std::move(*numbers));
    if (!weights) return tl::unexpected(weights.error());
    data.weights = std::move(*weights);
  }
  if (const json path = section.value("group", json()); !path.is_null()) {
    auto numbers = read_numbers(path, "group", modules, root, data);
    if (!numbers) return tl::unexpected(numbers.error());
    auto groups = groups_of(*numbers);
    if (!groups) return tl::unexpected(groups.error());
    data.groups = std::move(*groups);
  }
  return {};
}

}  // namespace netc::runtime
