#include "runtime/io/safetensors.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>

#include "runtime/io/checksum.h"
#include "runtime/io/file.h"
#include "runtime/io/json.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

constexpr const char *checksum_key = "netc.checksum";
constexpr const char *no_checksum = "00000000";
constexpr uint64_t longest_header = uint64_t{1} << 27;  // 100 MB is the limit of the format's authors
constexpr int deepest_nesting = 4;

struct DtypeName {
  const char *netc, *safetensors;
  int64_t size;
};
constexpr DtypeName dtypes[] = {{"f32", "F32", 4},  {"f64", "F64", 8}, {"f16", "F16", 2}, {"bf16", "BF16", 2},
                                {"i8", "I8", 1},    {"i16", "I16", 2}, {"i32", "I32", 4}, {"i64", "I64", 8},
                                {"u8", "U8", 1},    {"u16", "U16", 2}, {"u32", "U32", 4}, {"u64", "U64", 8},
                                {"bool", "BOOL", 1}};

// The bytes of a tensor, or nothing when the sizes are negative or overflow.
std::optional<uint64_t> byte_size(const std::vector<int64_t> &shape, int64_t element) {
  uint64_t bytes = static_cast<uint64_t>(element);
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) return std::nullopt;
  return bytes;
}

std::string json_text(const std::string &text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string hexadecimal(uint32_t sum) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", static_cast<unsigned>(sum));
  return digits;
}

// Brackets nested too deeply would make the parser of JSON build a tower; a header needs three levels.
bool nests_too_deeply(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest_nesting) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

constexpr const char *cut_short = "the file was not copied whole: get it again, or use another checkpoint";

class Parser {
 public:
  // `file.storage` is the whole file, or its beginning with all of the header.
  Parser(const std::string &name, Safetensors &file, uint64_t file_size)
      : name_(name), file_(file), file_size_(file_size) {}

  Result<void> parse() {
    std::string_view bytes(*file_.storage);
    auto length = safetensors_header_size(name_, bytes, file_size_);
    if (!length) return tl::unexpected(length.error());
    header_ = bytes.substr(8, *length - 8);
    data_ = bytes.substr(*length);
    data_size_ = file_size_ - *length;
    if (nests_too_deeply(header_)) return wrong("the header nests deeper than 4 levels");
    json header = parse_header();
    if (!header.is_object()) return wrong("the header is no JSON object");
    if (!repeated_.empty()) return wrong("the header names \"" + repeated_ + "\" twice");
    if (auto done = read_metadata(header); !done) return done;
    for (const auto &item : header.items())
      if (item.key() != "__metadata__")
        if (auto done = read_tensor(item.key(), item.value()); !done) return done;
    return check_cover();
  }

 private:
  bool has_data() const { return data_.size() == data_size_; }

  tl::unexpected<Error> wrong(std::string message, std::string help = {}) const {
    return fail(name_ + ": " + std::move(message), std::move(help));
  }

  // The parser of JSON keeps one value for a name, so names that are there twice are noticed on the way.
  json parse_header() {
    std::vector<std::set<std::string>> names;
    return parse_json(header_, [&](int, json::parse_event_t event, json &value) {
      if (event == json::parse_event_t::object_start) names.emplace_back();
      if (event == json::parse_event_t::object_end) names.pop_back();
      if (event == json::parse_event_t::key && !names.back().insert(value.get<std::string>()).second)
        repeated_ = value.get<std::string>();
      return true;
    });
  }

  Result<void> read_metadata(const json &header) {
    auto found = header.find("__metadata__");
    if (found == header.end()) return {};
    if (!found->is_object()) return wrong("__metadata__ is no table of texts");
    for (const auto &item : found->items()) {
      if (!item.value().is_string()) return wrong("__metadata__: the value of \"" + item.key() + "\" is no text");
      file_.metadata[item.key()] = item.value().get<std::string>();
    }
    auto sum = file_.metadata.find(checksum_key);
    if (sum == file_.metadata.end()) return {};
    std::string expected = sum->second;
    file_.metadata.erase(sum);
    return has_data() ? check_sum(expected) : Result<void>();
  }

  Result<void> check_sum(const std::string &expected) {
    std::string entry = std::string("\"") + checksum_key + "\":\"" + expected + "\"";
    size_t at = header_.find(entry);
    if (expected.size() != 8 || at == std::string_view::npos)
      return wrong("the checksum is not of the form it is written in");
    size_t digits = at + entry.size() - 9;
    uint32_t sum = crc32(0, header_.substr(0, digits));
    sum = crc32(sum, no_checksum);
    sum = crc32(sum, header_.substr(digits + 8));
    sum = crc32(sum, data_);
    if (hexadecimal(sum) != expected)
      return wrong("the checksum is " + hexadecimal(sum) + ", expected " + expected,
                   "the file is damaged: use another checkpoint");
    return {};
  }

  static std::optional<uint64_t> whole(const json &value) {
    if (value.is_number_unsigned()) return value.get<uint64_t>();
    return std::nullopt;
  }

  Result<void> read_tensor(const std::string &name, const json &value) {
    std::string tensor = "tensor \"" + name + "\": ";
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets"))
      return wrong(tensor + "expected the keys dtype, shape and data_offsets");
    const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
    if (!dtype.is_string()) return wrong(tensor + "dtype is no text");
    TensorEntry entry;
    entry.dtype = dtype.get<std::string>();
    int64_t element = safetensors_dtype_size(entry.dtype);
    if (element == 0) return wrong(tensor + "the dtype \"" + entry.dtype + "\" is unknown");
    if (!shape.is_array()) return wrong(tensor + "shape is no list");
    for (const json &size : shape) {
      auto number = whole(size);
      if (!number || *number > static_cast<uint64_t>(INT64_MAX))
        return wrong(tensor + "the shape holds " + size.dump() + ", expected whole numbers");
      entry.shape.push_back(static_cast<int64_t>(*number));
    }
    if (!offsets.is_array() || offsets.size() != 2 || !whole(offsets[0]) || !whole(offsets[1]))
      return wrong(tensor + "data_offsets is not a begin and an end");
    uint64_t begin = *whole(offsets[0]), end = *whole(offsets[1]);
    if (begin > end)
      return wrong(tensor + "it begins at " + std::to_string(begin) + " and ends at " + std::to_string(end));
    if (end > data_size_)
      return wrong(
          tensor + "it ends at byte " + std::to_string(end) + " of " + std::to_string(data_size_) + " bytes of data",
          cut_short);
    auto bytes = byte_size(entry.shape, element);
    if (!bytes || *bytes != end - begin)
      return wrong(tensor + std::to_string(end - begin) + " bytes, expected " +
                   (bytes ? std::to_string(*bytes) : std::string("more than 2^64")) + " for its shape and dtype");
    entry.begin = file_size_ - data_size_ + begin;
    if (has_data()) entry.bytes = data_.substr(begin, end - begin);
    extents_.push_back({begin, end, name});
    file_.tensors.emplace(name, std::move(entry));
    return {};
  }

  // The tensors lie one after another: no overlap, no hole, nothing after the last.
  Result<void> check_cover() {
    std::sort(extents_.begin(), extents_.end(),
              [](const Extent &a, const Extent &b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t at = 0;
    for (const Extent &extent : extents_) {
      if (extent.begin < at) return wrong("tensor \"" + extent.name + "\": it overlaps the tensor before it");
      if (extent.begin > at)
        return wrong("tensor \"" + extent.name + "\": " + std::to_string(extent.begin - at) +
                     " bytes before it belong to no tensor");
      at = extent.end;
    }
    if (at != data_size_)
      return wrong("data goes on after the last tensor, which ends at byte " + std::to_string(at) + " of " +
                   std::to_string(data_size_));
    return {};
  }

  struct Extent {
    uint64_t begin, end;
    std::string name;
  };

  const std::string &name_;
  Safetensors &file_;
  uint64_t file_size_, data_size_ = 0;
  std::string_view header_, data_;
  std::string repeated_;
  std::vector<Extent> extents_;
};

}  // namespace

std::string safetensors_dtype(std::string_view netc_dtype) {
  for (const DtypeName &dtype : dtypes)
    if (netc_dtype == dtype.netc) return dtype.safetensors;
  return {};
}

int64_t safetensors_dtype_size(std::string_view dtype) {
  for (const DtypeName &known : dtypes)
    if (dtype == known.safetensors) return known.size;
  return 0;
}

Result<void> write_safetensors(const std::string &path, std::span<const TensorToWrite> tensors,
                               const std::map<std::string, std::string> &metadata) {
  // The checksum comes first: what follows cannot be taken for it.
  std::string header = "{\"__metadata__\":{" + json_text(checksum_key) + ":" + json_text(no_checksum);
  for (const auto &[key, value] : metadata) header += "," + json_text(key) + ":" + json_text(value);
  header += "}";
  uint64_t at = 0;
  std::set<std::string> names{"__metadata__"};
  for (const TensorToWrite &tensor : tensors) {
    int64_t element = safetensors_dtype_size(tensor.dtype);
    if (element == 0 || byte_size(tensor.shape, element) != tensor.bytes.size() || !names.insert(tensor.name).second)
      return fail("cannot write " + path + ": the tensor \"" + tensor.name +
                  "\" is there twice, or does not have the bytes of its shape");
    header +=
        "," + json_text(tensor.name) + ":" +
        json{{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.bytes.size()}}}.dump();
    at += tensor.bytes.size();
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');  // the data begins at a multiple of 8
  uint32_t sum = crc32(0, header);
  for (const TensorToWrite &tensor : tensors) sum = crc32(sum, tensor.bytes);
  header.replace(header.find(no_checksum), 8, hexadecimal(sum));
  std::string length(8, '\0');
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(static_cast<uint64_t>(header.size()) >> 8 * i);
  std::vector<std::string_view> parts = {length, header};
  for (const TensorToWrite &tensor : tensors) parts.push_back(tensor.bytes);
  return write_file_atomically(path, parts);
}

Result<uint64_t> safetensors_header_size(const std::string &name, std::string_view beginning, uint64_t file_size) {
  if (beginning.size() < 8)
    return fail(name + ": " + std::to_string(beginning.size()) + " bytes, a safetensors file has at least 8",
                cut_short);
  uint64_t length = 0;
  for (size_t i = 8; i-- > 0;) length = length << 8 | static_cast<unsigned char>(beginning[i]);
  if (length > longest_header)
    return fail(name + ": a header of " + std::to_string(length) + " bytes, at most 134217728 are read",
                "this is no safetensors file");
  if (length > file_size - 8)
    return fail(name + ": the file ends in its header: " + std::to_string(file_size - 8) + " bytes of " +
                    std::to_string(length),
                cut_short);
  return length + 8;
}

Result<Safetensors> parse_safetensors_header(const std::string &name, std::string beginning, uint64_t file_size) {
  Safetensors file;
  file.storage = std::make_shared<const std::string>(std::move(beginning));
  if (auto done = Parser(name, file, file_size).parse(); !done) return tl::unexpected(done.error());
  return file;
}

Result<Safetensors> parse_safetensors(const std::string &name, std::string bytes) {
  uint64_t size = bytes.size();
  return parse_safetensors_header(name, std::move(bytes), size);
}

Result<Safetensors> read_safetensors(const std::string &path) {
  auto bytes = read_file(path);
  if (!bytes) return tl::unexpected(bytes.error());
  return parse_safetensors(path, std::move(*bytes));
}

}  // namespace netc::runtime
