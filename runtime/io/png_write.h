// Writes pictures as PNG (ISO/IEC 15948): eight bits a channel, no filters, deflated.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace netc::runtime {

// The bytes of a PNG file. `pixels` has height * width * channels values, row by row; 1 channel is grey, 3 are RGB, 4
// RGB and alpha. Width and height are at least 1.
std::string png_bytes(std::span<const uint8_t> pixels, int64_t height, int64_t width, int64_t channels);

}  // namespace netc::runtime
