#include "runtime/io/png_write.h"

#include <zlib.h>

#include "runtime/io/checksum.h"

namespace netc::runtime {
namespace {

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string chunk(const std::string &type, const std::string &data) {
  std::string body = type + data;
  return big_endian(static_cast<uint32_t>(data.size())) + body + big_endian(crc32(0, std::string_view(body)));
}

std::string deflated(const std::string &bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string packed(size, '\0');
  compress2(reinterpret_cast<Bytef *>(packed.data()), &size, reinterpret_cast<const Bytef *>(bytes.data()),
            static_cast<uLong>(bytes.size()), Z_BEST_COMPRESSION);
  packed.resize(size);
  return packed;
}

}  // namespace

std::string png_bytes(std::span<const uint8_t> pixels, int64_t height, int64_t width, int64_t channels) {
  std::string rows;
  auto row_size = static_cast<size_t>(width * channels);
  for (int64_t y = 0; y < height; ++y) {
    rows += '\0';  // no filter
    rows.append(reinterpret_cast<const char *>(pixels.data()) + static_cast<size_t>(y) * row_size, row_size);
  }
  char colour = channels == 1 ? 0 : channels == 3 ? 2 : 6;
  std::string header = big_endian(static_cast<uint32_t>(width)) + big_endian(static_cast<uint32_t>(height)) + '\x08' +
                       colour + std::string(3, '\0');  // deflate, the five filters, not interlaced
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", deflated(rows)) + chunk("IEND", "");
}

}  // namespace netc::runtime
