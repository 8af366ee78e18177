// Reader of plain numbers without a header: raw("x.bin", "y.bin", dtype = u8, shape = [28, 28, 1]). The optional part
// "raw".
//
//   dtype = u8, target_dtype = u8         u8 ... u64, i8 ... i64, f16, bf16, f32, f64
//   shape, target_shape                   of a sample; default: that of the network's input, of its output
//   offset = 0, target_offset = 0         bytes before the first number
//   byte_order = little                   or big
#include "runtime/data/arguments.h"
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// Of a sample, where there is one field.
std::vector<int64_t> shape_of(const std::vector<Field> &fields) {
  return fields.size() == 1 ? fields[0].shape : std::vector<int64_t>{};
}

Result<NumberType> raw_type(const json &call, const std::string &argument, bool big_endian) {
  auto text = text_argument(call, argument, "u8");
  if (!text) return tl::unexpected(text.error());
  static const std::vector<std::string> names = {"u8",  "u16", "u32", "u64", "i8",  "i16",
                                                 "i32", "i64", "f16", "f32", "f64", "bf16"};
  if (std::find(names.begin(), names.end(), *text) == names.end())
    return fail(call_name(call) + ": " + argument + " is " + listed(names) + ", found " + in_quotes(*text));
  if (*text == "bf16") return NumberType{NumberKind::brain, 2, big_endian};
  NumberKind kind = (*text)[0] == 'u'   ? NumberKind::unsigned_integer
                    : (*text)[0] == 'i' ? NumberKind::signed_integer
                                        : NumberKind::real;
  return NumberType{kind, std::stoll(text->substr(1)) / 8, big_endian};
}

Result<int64_t> whole_argument(const json &call, const std::string &argument, const json &value) {
  if (value.is_number_integer() && value.get<int64_t>() >= 0 && value.get<int64_t>() < int64_t{1} << 62)
    return value.get<int64_t>();
  return fail(call_name(call) + ": " + argument + " takes whole numbers from 0, found " + value.dump());
}

Result<ArrayPlace> raw_array(const ReadRequest &request, const std::string &path, const std::string &prefix,
                             std::vector<int64_t> sample_shape) {
  const json &call = *request.call;
  auto order = text_argument(call, "byte_order", "little");
  if (!order) return tl::unexpected(order.error());
  if (*order != "little" && *order != "big")
    return fail(call_name(call) + ": byte_order is little or big, found " + in_quotes(*order));
  auto type = raw_type(call, prefix + "dtype", *order == "big");
  if (!type) return tl::unexpected(type.error());
  int64_t offset = 0;
  if (const json *value = named_argument(call, prefix + "offset")) {
    auto number = whole_argument(call, prefix + "offset", *value);
    if (!number) return tl::unexpected(number.error());
    offset = *number;
  }
  if (const json *value = named_argument(call, prefix + "shape")) {
    sample_shape.clear();
    for (const json &size : value->is_array() ? *value : json::array({*value})) {
      auto number = whole_argument(call, prefix + "shape", size);
      if (!number) return tl::unexpected(number.error());
      sample_shape.push_back(*number);
    }
  }
  std::optional<int64_t> sample_bytes = type->size;
  for (int64_t size : sample_shape)
    if (sample_bytes) sample_bytes = checked_multiply(*sample_bytes, size);
  if (!sample_bytes || *sample_bytes == 0)
    return fail(call_name(call) + ": " + prefix + "shape is " + shape_text("", sample_shape) +
                ", which is no size of a sample");
  auto file = DataFile::open(request, path);
  if (!file) return tl::unexpected(file.error());
  int64_t bytes = file->size() - offset;
  if (bytes < 0)
    return fail(path + ": it has " + std::to_string(file->size()) + " bytes, and " + prefix + "offset is " +
                std::to_string(offset));
  if (bytes % *sample_bytes != 0)
    return fail(path + ": " + std::to_string(bytes) + " bytes, which are no whole number of samples of " +
                    std::to_string(*sample_bytes) + " bytes",
                "is " + prefix + "dtype, " + prefix + "shape or " + prefix + "offset another one?");
  std::vector<int64_t> shape = {bytes / *sample_bytes};
  shape.insert(shape.end(), sample_shape.begin(), sample_shape.end());
  return ArrayPlace{std::move(*file), *type, std::move(shape), offset, path};
}

Result<RawData> read_raw(const ReadRequest &request) { return read_arrays(request, find_raw); }

}  // namespace

Result<ArrayPair> find_raw(const ReadRequest &request) {
  if (auto known = check_named_arguments(*request.call, {"dtype", "shape", "offset", "target_dtype", "target_shape",
                                                         "target_offset", "byte_order", "missing", "classes"});
      !known)
    return tl::unexpected(known.error());
  auto paths = pair_paths(request);
  if (!paths) return tl::unexpected(paths.error());
  auto features = raw_array(request, paths->features, "", shape_of(request.inputs));
  if (!features) return tl::unexpected(features.error());
  ArrayPair pair{std::move(*features), std::nullopt};
  if (!request.needs_targets) return pair;
  auto targets = raw_array(request, paths->targets, "target_", shape_of(request.outputs));
  if (!targets) return tl::unexpected(targets.error());
  pair.targets = std::move(*targets);
  return pair;
}

}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_raw = {{"reader", "raw"}, netc::runtime::read_raw};
