// Pictures of text: a curve in braille dots, a histogram in blocks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace netc::runtime {

// A curve of values at equal distances, `width` x `height` characters of 2 x 4 dots, with the numbers of the upper and
// lower end at the left. Values above `top` stay at the upper end. `mark`: a value under which a dotted line stands;
// -1: none.
std::string curve_text(std::span<const double> values, double top, int64_t mark, int width, int height);

// "▁▂▅█▃ ": a block for each count, relative to the greatest; a space where there is none.
std::string histogram_text(std::span<const int64_t> counts);

// Columns as wide as their longest text (UTF-8); the first is left-aligned, the others right-aligned where `right`
// says.
std::string table_text(const std::vector<std::vector<std::string>> &rows, const std::vector<bool> &right);

}  // namespace netc::runtime
