#include "runtime/page/page.h"

#include <zlib.h>

#include <cassert>
#include <cstdint>

namespace netc::runtime {
namespace {

std::string unpacked(const PageTemplate &page) {
  constexpr int kGzip = 16;
  std::string text(page.unpacked_size, '\0');
  z_stream stream{};
  stream.next_in = const_cast<Bytef *>(page.bytes);
  stream.avail_in = static_cast<uInt>(page.size);
  stream.next_out = reinterpret_cast<Bytef *>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  [[maybe_unused]] bool done =
      inflateInit2(&stream, MAX_WBITS + kGzip) == Z_OK && inflate(&stream, Z_FINISH) == Z_STREAM_END;
  assert(done && "page.cmake packs templates");
  inflateEnd(&stream);
  return text;
}

void replace(std::string &text, std::string_view place, std::string_view content) {
  size_t at = text.find(place);
  assert(at != std::string::npos && "page.html has its places");
  text.replace(at, place.size(), content);
}

// No text of the data may end the element it stands in.
std::string without_tags(std::string_view text, const char *replacement) {
  std::string safe;
  for (char c : text) {
    if (c == '<')
      safe += replacement;
    else
      safe += c;
  }
  return safe;
}

}  // namespace

std::string page_of(const PageTemplate &page, std::string_view title, std::string_view data) {
  std::string text = unpacked(page);
  replace(text, "{{data}}", without_tags(data, "\\u003c"));
  replace(text, "{{title}}", without_tags(title, "&lt;"));
  return text;
}

std::string data_uri(std::string_view type, std::string_view bytes) {
  static const char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text = "data:" + std::string(type) + ";base64,";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : kDigits[word >> (18 - 6 * k) & 63];
  }
  return text;
}

}  // namespace netc::runtime
