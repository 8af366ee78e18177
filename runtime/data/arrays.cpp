#include "runtime/data/arrays.h"

#include "runtime/data/arguments.h"
#include "runtime/data/stream.h"

namespace netc::runtime {
namespace {

// Pictures are bytes [height, width] or [height, width, channels].
bool looks_like_image(const Array &array) {
  return std::holds_alternative<std::vector<uint8_t>>(array.values) &&
         (array.shape.size() == 2 || (array.shape.size() == 3 && array.shape[2] <= 4));
}

// Samples first .. first + count of the array.
Result<Array> read_samples(const ArrayPlace &place, int64_t first, int64_t count) {
  int64_t bytes = place.type.size;
  for (size_t axis = 1; axis < place.shape.size(); ++axis) bytes *= place.shape[axis];
  int64_t offset = place.offset + first * bytes;
  auto content = place.file.read(offset, count * bytes);
  if (!content) return tl::unexpected(content.error());
  std::vector<int64_t> shape = place.shape;
  shape[0] = count;
  return decode_numbers(place.name, *content, place.type, std::move(shape), offset);
}

Result<Array> read_whole(const ArrayPlace &place) {
  if (place.shape[0] == 0) return fail(place.name + ": no samples in it");
  return read_samples(place, 0, place.shape[0]);
}

Result<Array> read_targets(const ReadRequest &request, const ArrayPlace &place, int64_t samples,
                           const std::string &features) {
  auto targets = read_whole(place);
  if (!targets) return targets;
  if (targets->count != samples)
    return fail(place.name + ": " + std::to_string(targets->count) + " targets, but " + features + " has " +
                    samples_text(samples),
                "the two do not belong together");
  if (request.targets_are_classes) return as_classes(place.name, std::move(*targets), request.class_count);
  Array reals = as_reals(std::move(*targets));
  auto check = check_finite(place.name, std::get<std::vector<float>>(reals.values), reals.elements(), Missing::error);
  if (!check) return tl::unexpected(check.error());
  return reals;
}

// What both ways of reading share: everything but the values of the features, whose first samples are `some`.
Result<RawData> without_features(const ReadRequest &request, const ArrayPair &pair, const Array &some) {
  const nlohmann::json &call = *request.call;
  auto missing = missing_argument(call);
  auto classes = texts_argument(call, "classes");
  if (!missing) return tl::unexpected(missing.error());
  if (!classes) return tl::unexpected(classes.error());
  RawData data;
  data.source = pair.features.name;
  data.missing = *missing;
  data.is_image = looks_like_image(some);
  if (pair.targets) {
    auto targets = read_targets(request, *pair.targets, pair.features.shape[0], data.source);
    if (!targets) return tl::unexpected(targets.error());
    data.targets = std::move(*targets);
  }
  data.schema.classes = !request.schema.classes.empty() ? request.schema.classes : *classes;
  if (!data.schema.classes.empty() && request.class_count > 0 &&
      static_cast<int64_t>(data.schema.classes.size()) != request.class_count)
    return fail(call_name(call) + ": classes names " + std::to_string(data.schema.classes.size()) +
                " classes, the network has class[" + std::to_string(request.class_count) + "]");
  return data;
}

}  // namespace

Result<RawData> read_arrays(const ReadRequest &request, FindArrays find) {
  auto pair = find(request);
  if (!pair) return tl::unexpected(pair.error());
  auto features = read_whole(pair->features);
  if (!features) return tl::unexpected(features.error());
  auto data = without_features(request, *pair, *features);
  if (!data) return data;
  data->features = std::move(*features);
  const auto *values = std::get_if<std::vector<float>>(&data->features.values);
  if (!values) return data;
  auto check = check_finite(data->source, *values, data->features.elements(), data->missing.kind);
  if (!check) return tl::unexpected(check.error());
  data->has_missing = check->has_missing;
  if (check->keep.empty()) return data;
  keep_samples(data->features, check->keep);
  if (pair->targets) keep_samples(data->targets, check->keep);
  return data;
}

Result<RawData> stream_arrays(const ReadRequest &request, FindArrays find) {
  auto pair = find(request);
  if (!pair) return tl::unexpected(pair.error());
  const ArrayPlace &place = pair->features;
  if (place.file.is_in_memory())
    return fail(place.name + ": packed, which cannot be streamed", "unpack it, or write stream = false");
  int64_t rows = place.shape[0];
  auto some = rows == 0 ? read_whole(place) : read_samples(place, 0, 1);
  if (!some) return tl::unexpected(some.error());
  auto data = without_features(request, *pair, *some);
  if (!data) return data;
  bool reals = some->values.index() == 0;
  if (reals && data->missing.kind == Missing::drop)
    return fail(place.name + ": missing = drop needs all samples in memory",
                "missing = mean is fitted while streaming");
  data->has_missing = reals && data->missing.fills();
  data->features.shape = some->shape;
  data->features.count = rows;
  std::visit([&](const auto &values) { data->features.values = std::decay_t<decltype(values)>(); }, some->values);

  auto stream = std::make_shared<Stream>();
  int64_t sample_bytes = place.type.size * some->elements();
  int64_t in_block = std::max<int64_t>(1, request.block_bytes / sample_bytes);
  for (int64_t row = 0; row < rows; row += in_block) stream->block_begin.push_back(row);
  stream->block_begin.push_back(rows);
  stream->read = [place, missing = data->missing.kind, begins = stream->block_begin,
                  width = some->elements()](int64_t block) -> Result<std::vector<Array>> {
    int64_t first = begins[static_cast<size_t>(block)], count = begins[static_cast<size_t>(block) + 1] - first;
    auto array = read_samples(place, first, count);
    if (!array) return tl::unexpected(array.error());
    if (const auto *values = std::get_if<std::vector<float>>(&array->values))
      if (auto check = check_finite(place.name, *values, width, missing, first); !check)
        return tl::unexpected(check.error());
    return std::vector<Array>{std::move(*array)};
  };
  data->stream = std::move(stream);
  return data;
}

Result<PairPaths> pair_paths(const ReadRequest &request) {
  const nlohmann::json &call = *request.call;
  auto paths = path_arguments(call, request.needs_targets ? 2 : 1, 2, call_name(call) + "(\"features\", \"targets\")");
  if (!paths) return tl::unexpected(paths.error());
  return PairPaths{paths->front(), request.needs_targets ? paths->back() : ""};
}

Result<ArrayPair> named_pair(const ReadRequest &request, const FindArray &find) {
  const nlohmann::json &call = *request.call;
  if (auto known = check_named_arguments(call, {"features", "targets", "missing", "classes"}); !known)
    return tl::unexpected(known.error());
  ArrayPair pair;
  for (const char *role : {"features", "targets"}) {
    bool features = role == std::string_view("features");
    if (!features && !request.needs_targets) continue;
    auto array = text_argument(call, role, "");
    if (!array) return tl::unexpected(array.error());
    if (array->empty())
      return fail(call_name(call) + " needs " + role + ": the name of an array",
                  call_name(call) + "(\"file\", features = \"x\", targets = \"y\")");
    auto place = find(*array);
    if (!place) return tl::unexpected(place.error());
    if (place->shape.empty())
      return fail(place->name + ": a single number, expected an array whose first dimension is the sample");
    for (size_t axis = 1; axis < place->shape.size(); ++axis)
      if (place->shape[axis] == 0) return fail(place->name + ": dimension " + std::to_string(axis) + " is 0");
    if (features)
      pair.features = std::move(*place);
    else
      pair.targets = std::move(*place);
  }
  return pair;
}

Result<void> check_fills_file(const ArrayPlace &place) {
  return check_array_size(place.name, place.file.size() - place.offset, place.type, place.shape);
}

}  // namespace netc::runtime
