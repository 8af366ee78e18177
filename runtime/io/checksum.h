// CRC-32 of IEEE 802.3 (polynomial 0xEDB88320 reflected), as zlib's crc32(), without linking zlib.
#pragma once

#include <cstdint>
#include <string_view>

namespace netc::runtime {

// The sum of what `before` is the sum of, followed by `bytes`; 0 is the sum of nothing.
uint32_t crc32(uint32_t before, std::string_view bytes);

}  // namespace netc::runtime
