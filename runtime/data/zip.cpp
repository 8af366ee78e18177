#include "runtime/data/zip.h"

#include <algorithm>
#include <limits>

#include "runtime/data/arguments.h"
#include "runtime/data/inflater.h"
#include "runtime/io/checksum.h"

namespace netc::runtime {
namespace {

constexpr int64_t largest_directory = int64_t{1} << 28;
constexpr int64_t largest_unpacked = int64_t{1} << 36;
constexpr const char *damaged = "the file is damaged or was not copied whole: get it again";

uint64_t little(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Directory {
  int64_t begin = 0, bytes = 0;
};

// The record at the end of the file says where the directory lies.
Result<Directory> find_directory(const DataFile &file) {
  constexpr int64_t end_record = 22, longest_comment = 65535, locator = 20;
  int64_t tail_size = std::min(file.size(), end_record + longest_comment + locator);
  auto tail = file.read(file.size() - tail_size, tail_size);
  if (!tail) return tl::unexpected(tail.error());
  size_t at = tail->rfind("PK\x05\x06");
  if (at == std::string::npos || tail->size() - at < static_cast<size_t>(end_record))
    return fail(file.name() + ": not a zip file: it has no directory", damaged);
  Directory directory{static_cast<int64_t>(little(*tail, at + 16, 4)), static_cast<int64_t>(little(*tail, at + 12, 4))};
  if (at >= static_cast<size_t>(locator) && tail->compare(at - locator, 4, "PK\x06\x07") == 0) {
    uint64_t record = little(*tail, at - locator + 8, 8);
    if (file.size() < 56 || record > static_cast<uint64_t>(file.size() - 56))
      return fail(file.name() + ": the zip file's 64-bit directory record lies outside of it", damaged);
    auto bytes = file.read(static_cast<int64_t>(record), 56);
    if (!bytes) return tl::unexpected(bytes.error());
    if (!bytes->starts_with("PK\x06\x06"))
      return fail(file.name() + ": byte " + std::to_string(record) + ": expected the zip file's directory record",
                  damaged);
    directory = {static_cast<int64_t>(little(*bytes, 48, 8)), static_cast<int64_t>(little(*bytes, 40, 8))};
  }
  if (directory.begin < 0 || directory.bytes < 0 || directory.begin > file.size() ||
      directory.bytes > file.size() - directory.begin || directory.bytes > largest_directory)
    return fail(file.name() + ": the zip file's directory lies outside of it", damaged);
  return directory;
}

// Sizes that do not fit 32 bits are in an extra field, in this order, each only where it is needed.
void read_large_sizes(std::string_view extra, ZipEntry &entry) {
  constexpr int64_t marker = std::numeric_limits<uint32_t>::max();
  for (size_t at = 0; at + 4 <= extra.size();) {
    size_t kind = little(extra, at, 2), length = little(extra, at + 2, 2);
    at += 4;
    if (length > extra.size() - at) return;
    size_t end = at + length;
    if (kind == 1)
      for (int64_t *value : {&entry.size, &entry.packed, &entry.header})
        if (*value == marker && at + 8 <= end) {
          *value = static_cast<int64_t>(little(extra, at, 8));
          at += 8;
        }
    at = end;
  }
}

Result<std::string> inflated(const std::string &name, std::string_view packed, int64_t size) {
  Inflater inflater(packed, -15);
  if (!inflater.ready()) return fail(name + ": zlib could not be started");
  std::string bytes;
  for (;;) {
    int status = inflater.append(bytes);
    if (static_cast<int64_t>(bytes.size()) > size)
      return fail(name + ": unpacks to more than the " + std::to_string(size) + " bytes of the directory", damaged);
    if (status == Z_STREAM_END) break;
    if (status != Z_OK || inflater.ends_early(status)) return fail(name + ": the packed data is broken", damaged);
  }
  if (static_cast<int64_t>(bytes.size()) != size)
    return fail(
        name + ": unpacks to " + std::to_string(bytes.size()) + " bytes, the directory says " + std::to_string(size),
        damaged);
  return bytes;
}

}  // namespace

Result<std::map<std::string, ZipEntry>> read_zip_directory(const DataFile &file) {
  auto place = find_directory(file);
  if (!place) return tl::unexpected(place.error());
  auto text = file.read(place->begin, place->bytes);
  if (!text) return tl::unexpected(text.error());
  std::map<std::string, ZipEntry> entries;
  for (size_t at = 0; at < text->size();) {
    constexpr size_t fixed = 46;
    const auto broken = [&] {
      return fail(file.name() + ": byte " + std::to_string(place->begin + static_cast<int64_t>(at)) +
                      ": the zip file's directory is broken",
                  damaged);
    };
    if (text->size() - at < fixed || text->compare(at, 4, "PK\x01\x02") != 0) return broken();
    size_t name = little(*text, at + 28, 2), extra = little(*text, at + 30, 2), comment = little(*text, at + 32, 2);
    if (text->size() - at - fixed < name + extra + comment) return broken();
    ZipEntry entry;
    entry.name = text->substr(at + fixed, name);
    entry.flags = static_cast<uint16_t>(little(*text, at + 8, 2));
    entry.method = static_cast<uint16_t>(little(*text, at + 10, 2));
    entry.checksum = static_cast<uint32_t>(little(*text, at + 16, 4));
    entry.packed = static_cast<int64_t>(little(*text, at + 20, 4));
    entry.size = static_cast<int64_t>(little(*text, at + 24, 4));
    entry.header = static_cast<int64_t>(little(*text, at + 42, 4));
    read_large_sizes(std::string_view(*text).substr(at + fixed + name, extra), entry);
    if (entry.packed < 0 || entry.size < 0 || entry.header < 0) return broken();
    at += fixed + name + extra + comment;
    std::string key = entry.name;
    if (!entries.emplace(key, std::move(entry)).second)
      return fail(file.name() + ": " + in_quotes(key) + " is there twice");
  }
  return entries;
}

Result<DataFile> open_zip_entry(const DataFile &file, const ZipEntry &entry, const std::string &name, bool check) {
  constexpr int64_t fixed = 30;
  if (entry.flags & 1) return fail(name + ": encrypted");
  if (entry.method != 0 && entry.method != 8)
    return fail(name + ": packed with method " + std::to_string(entry.method) + ", expected stored or deflated");
  const auto outside = [&] { return fail(name + ": it lies outside of the file", damaged); };
  if (entry.header > file.size() - fixed) return outside();
  auto header = file.read(entry.header, fixed);
  if (!header) return tl::unexpected(header.error());
  if (!header->starts_with("PK\x03\x04"))
    return fail(name + ": byte " + std::to_string(entry.header) + ": expected the header of an entry", damaged);
  int64_t begin = entry.header + fixed + static_cast<int64_t>(little(*header, 26, 2) + little(*header, 28, 2));
  if (begin > file.size() || entry.packed > file.size() - begin) return outside();
  DataFile part = file.part(name, begin, entry.packed);
  if (entry.method == 0 && entry.packed != entry.size)
    return fail(name + ": stored with " + std::to_string(entry.packed) + " bytes, the directory says " +
                    std::to_string(entry.size),
                damaged);
  if (entry.method == 0 && !check) return part;
  if (entry.size > largest_unpacked)
    return fail(name + ": unpacks to more than " + std::to_string(largest_unpacked) + " bytes");
  auto bytes = part.read(0, entry.packed);
  if (bytes && entry.method == 8) bytes = inflated(name, *bytes, entry.size);
  if (!bytes) return tl::unexpected(bytes.error());
  if (crc32(0, *bytes) != entry.checksum) return fail(name + ": the checksum is wrong", damaged);
  return DataFile::in_memory(name, std::move(*bytes));
}

}  // namespace netc::runtime
