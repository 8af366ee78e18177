#include "runtime/io/checksum.h"

#include <array>

namespace netc::runtime {
namespace {

// tables[k][b]: the remainder of byte b followed by k zero bytes ("slicing by 4", Kounavis and Berry 2005).
constexpr auto tables = [] {
  std::array<std::array<uint32_t, 256>, 4> result{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) remainder = (remainder >> 1) ^ (remainder & 1 ? 0xEDB88320u : 0);
    result[0][byte] = remainder;
  }
  for (size_t byte = 0; byte < 256; ++byte)
    for (size_t k = 1; k < 4; ++k) result[k][byte] = (result[k - 1][byte] >> 8) ^ result[0][result[k - 1][byte] & 255];
  return result;
}();

}  // namespace

uint32_t crc32(uint32_t before, std::string_view bytes) {
  uint32_t sum = ~before;
  size_t i = 0;
  const auto byte = [&](size_t at) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[at])); };
  for (; i + 4 <= bytes.size(); i += 4) {
    sum ^= byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    sum = tables[3][sum & 255] ^ tables[2][sum >> 8 & 255] ^ tables[1][sum >> 16 & 255] ^ tables[0][sum >> 24];
  }
  for (; i < bytes.size(); ++i) sum = (sum >> 8) ^ tables[0][(sum ^ byte(i)) & 255];
  return ~sum;
}

}  // namespace netc::runtime
