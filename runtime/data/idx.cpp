// Reader of IDX files, the format of MNIST: idx("images", "labels"). The optional part "idx".
//
//   byte 0, 1   zero
//   byte 2      type of the numbers: 08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64
//   byte 3      number of dimensions n
//   4 n bytes   the sizes, big-endian; the first is the number of samples
//   the rest    the numbers, big-endian, row-major
#include <cstdio>

#include "runtime/data/arguments.h"
#include "runtime/data/arrays.h"
#include "runtime/data/module.h"

namespace netc::runtime {
namespace {

constexpr int64_t longest_idx_header = 4 + 4 * 255;

std::optional<NumberType> number_type(unsigned char code) {
  switch (code) {
    case 0x08:
      return NumberType{NumberKind::unsigned_integer, 1, true};
    case 0x09:
      return NumberType{NumberKind::signed_integer, 1, true};
    case 0x0B:
      return NumberType{NumberKind::signed_integer, 2, true};
    case 0x0C:
      return NumberType{NumberKind::signed_integer, 4, true};
    case 0x0D:
      return NumberType{NumberKind::real, 4, true};
    case 0x0E:
      return NumberType{NumberKind::real, 8, true};
    default:
      return std::nullopt;
  }
}

std::string hexadecimal(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes) {
    char digits[4];
    std::snprintf(digits, sizeof digits, text.empty() ? "%02x" : " %02x", byte);
    text += digits;
  }
  return text;
}

Result<ArrayPlace> idx_array(const ReadRequest &request, const std::string &path) {
  auto file = DataFile::open(request, path);
  if (!file) return tl::unexpected(file.error());
  const std::string &name = path;
  auto head = file->read(0, std::min<int64_t>(file->size(), longest_idx_header));
  if (!head) return tl::unexpected(head.error());
  std::string_view bytes = *head;
  if (bytes.size() < 4)
    return fail(name + ": " + std::to_string(bytes.size()) + " bytes, an idx file has a header of at least 4");
  auto type = number_type(static_cast<unsigned char>(bytes[2]));
  if (bytes[0] == 0 && bytes[1] == 0 && !type)
    return fail(name + ": byte 2: numbers of type " + hexadecimal(bytes.substr(2, 1)) +
                ", expected 08, 09, 0b, 0c, 0d or 0e");
  if (!type || bytes[0] != 0 || bytes[1] != 0)
    return fail(name + ": not an idx file: it begins with the bytes " + hexadecimal(bytes.substr(0, 4)) +
                ", expected 00 00, a type and a number of dimensions");
  size_t rank = static_cast<unsigned char>(bytes[3]);
  if (rank < 1 || rank > 8) return fail(name + ": byte 3: " + std::to_string(rank) + " dimensions, expected 1 to 8");
  size_t header = 4 + 4 * rank;
  if (bytes.size() < header)
    return fail(name + ": the file ends in its header: " + std::to_string(bytes.size()) + " bytes, the header has " +
                std::to_string(header));
  std::vector<int64_t> shape;
  for (size_t axis = 0; axis < rank; ++axis) {
    int64_t size = 0;
    for (size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[4 + 4 * axis + i]);
    if (axis > 0 && size == 0)
      return fail(name + ": byte " + std::to_string(4 + 4 * axis) + ": dimension " + std::to_string(axis) + " is 0");
    shape.push_back(size);
  }
  ArrayPlace place{std::move(*file), *type, std::move(shape), static_cast<int64_t>(header), name};
  if (auto fits = check_fills_file(place); !fits) return tl::unexpected(fits.error());
  return place;
}

Result<RawData> read_idx(const ReadRequest &request) { return read_arrays(request, find_idx); }

}  // namespace

Result<ArrayPair> find_idx(const ReadRequest &request) {
  if (auto known = check_named_arguments(*request.call, {"missing", "classes"}); !known)
    return tl::unexpected(known.error());
  auto paths = pair_paths(request);
  if (!paths) return tl::unexpected(paths.error());
  auto features = idx_array(request, paths->features);
  if (!features) return tl::unexpected(features.error());
  ArrayPair pair{std::move(*features), std::nullopt};
  if (!request.needs_targets) return pair;
  auto targets = idx_array(request, paths->targets);
  if (!targets) return tl::unexpected(targets.error());
  pair.targets = std::move(*targets);
  return pair;
}

}  // namespace netc::runtime

extern "C" const nc_reader_module nc_module_idx = {{"reader", "idx"}, netc::runtime::read_idx};
