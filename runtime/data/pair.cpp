#include "runtime/data/pair.h"

namespace netc::runtime {
namespace {

// Pictures are bytes [height, width] or [height, width, channels].
bool looks_like_image(const Array &array) {
  return std::holds_alternative<std::vector<uint8_t>>(array.values) &&
         (array.shape.size() == 2 || (array.shape.size() == 3 && array.shape[2] <= 4));
}

Result<Array> read_one(const ReadRequest &request, const std::string &path, ArrayReader read_array) {
  auto bytes = read_data_file(request, path);
  if (!bytes) return tl::unexpected(bytes.error());
  auto array = read_array(path, *bytes);
  if (array && array->count == 0) return fail(path + ": no samples in it");
  return array;
}

Result<void> drop_or_mark_missing(RawData &data, Missing missing, bool has_targets) {
  auto *values = std::get_if<std::vector<float>>(&data.features.values);
  if (!values) return {};
  auto check = check_finite(data.source, *values, data.features.elements(), missing);
  if (!check) return tl::unexpected(check.error());
  data.has_missing = check->has_missing;
  if (check->keep.empty()) return {};
  keep_samples(data.features, check->keep);
  if (has_targets) keep_samples(data.targets, check->keep);
  return {};
}

Result<Array> read_targets(const ReadRequest &request, const std::string &path, ArrayReader read_array, int64_t samples,
                           const std::string &features) {
  auto targets = read_one(request, path, read_array);
  if (!targets) return targets;
  if (targets->count != samples)
    return fail(
        path + ": " + std::to_string(targets->count) + " targets, but " + features + " has " + samples_text(samples),
        "the two files do not belong together");
  if (request.targets_are_classes) return as_classes(path, std::move(*targets), request.class_count);
  Array reals = as_reals(std::move(*targets));
  auto check = check_finite(path, std::get<std::vector<float>>(reals.values), reals.elements(), Missing::error);
  if (!check) return tl::unexpected(check.error());
  return reals;
}

}  // namespace

Result<RawData> read_pair(const ReadRequest &request, ArrayReader read_array) {
  const nlohmann::json &call = *request.call;
  std::string usage = call_name(call) + "(\"features\", \"targets\")";
  auto paths = path_arguments(call, request.needs_targets ? 2 : 1, 2, usage);
  if (!paths) return tl::unexpected(paths.error());
  if (auto known = check_named_arguments(call, {"missing", "classes"}); !known) return tl::unexpected(known.error());
  auto missing = missing_argument(call);
  auto classes = texts_argument(call, "classes");
  if (!missing) return tl::unexpected(missing.error());
  if (!classes) return tl::unexpected(classes.error());

  RawData data;
  data.source = (*paths)[0];
  auto features = read_one(request, data.source, read_array);
  if (!features) return tl::unexpected(features.error());
  data.features = std::move(*features);
  data.is_image = looks_like_image(data.features);
  if (request.needs_targets) {
    auto targets = read_targets(request, (*paths)[1], read_array, data.features.count, data.source);
    if (!targets) return tl::unexpected(targets.error());
    data.targets = std::move(*targets);
  }
  if (auto done = drop_or_mark_missing(data, *missing, request.needs_targets); !done)
    return tl::unexpected(done.error());
  data.schema.classes = !request.schema.classes.empty() ? request.schema.classes : *classes;
  if (!data.schema.classes.empty() && request.class_count > 0 &&
      static_cast<int64_t>(data.schema.classes.size()) != request.class_count)
    return fail(call_name(call) + ": classes names " + std::to_string(data.schema.classes.size()) +
                " classes, the network has class[" + std::to_string(request.class_count) + "]");
  return data;
}

}  // namespace netc::runtime
