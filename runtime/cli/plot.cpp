#include "runtime/cli/plot.h"

#include <algorithm>
#include <cmath>

#include "runtime/cli/text.h"

namespace netc::runtime {
namespace {

// A character of the basic plane.
std::string utf8(unsigned code) {
  return {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
          static_cast<char>(0x80 | (code & 0x3F))};
}

size_t columns_of(const std::string &text) {
  return static_cast<size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

// Dots of a braille picture: eight to a character (Unicode 15, "Braille Patterns").
class Dots {
 public:
  Dots(int width, int height) : width_(width), height_(height), cells_(static_cast<size_t>(width * height)) {}
  int width() const { return 2 * width_; }
  int height() const { return 4 * height_; }
  void set(int x, int y) {
    static constexpr unsigned char bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    cells_[static_cast<size_t>(y / 4 * width_ + x / 2)] |= bits[y % 4][x % 2];
  }
  std::string row(int y) const {
    std::string text;
    for (int x = 0; x < width_; ++x) text += utf8(0x2800u + cells_[static_cast<size_t>(y * width_ + x)]);
    return text;
  }

 private:
  int width_, height_;
  std::vector<unsigned char> cells_;
};

}  // namespace

std::string curve_text(std::span<const double> values, double top, int64_t mark, int width, int height) {
  Dots dots(width, height);
  double bottom = *std::ranges::min_element(values);
  top = std::max(std::min(top, *std::ranges::max_element(values)), bottom + 1e-30);
  auto row_of = [&](double value) {
    double share = (std::min(value, top) - bottom) / (top - bottom);
    return static_cast<int>(std::lround((1 - share) * (dots.height() - 1)));
  };
  auto column_of = [&](double index) {
    double last = std::max<double>(static_cast<double>(values.size()) - 1, 1);
    return static_cast<int>(std::lround(index / last * (dots.width() - 1)));
  };
  for (int y = 0; mark >= 0 && y < dots.height(); y += 2) dots.set(column_of(static_cast<double>(mark)), y);
  int before = row_of(values[0]);
  for (int x = 0; x < dots.width(); ++x) {
    double at = static_cast<double>(x) / (dots.width() - 1) * static_cast<double>(values.size() - 1);
    auto left = static_cast<size_t>(at);
    double right = values[std::min(left + 1, values.size() - 1)], part = at - static_cast<double>(left);
    int row = row_of(values[left] + (right - values[left]) * part);
    for (int y = std::min(row, before); y <= std::max(row, before); ++y) dots.set(x, y);
    before = row;
  }
  std::string text;
  for (int y = 0; y < height; ++y) {
    std::string label = y == 0 ? short_number(top) : y == height - 1 ? short_number(bottom) : "";
    text += format("%10s ", label.c_str()) + dots.row(y) + "\n";
  }
  return text;
}

std::string histogram_text(std::span<const int64_t> counts) {
  int64_t greatest = std::max<int64_t>(*std::ranges::max_element(counts), 1);
  std::string text;
  for (int64_t count : counts) {
    auto eighths = static_cast<unsigned>((8 * count + greatest - 1) / greatest);
    text += eighths == 0 ? " " : utf8(0x2580u + eighths);
  }
  return text;
}

std::string table_text(const std::vector<std::vector<std::string>> &rows, const std::vector<bool> &right) {
  std::vector<size_t> widths(right.size());
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  std::string text;
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      std::string space(widths[i] - columns_of(row[i]), ' ');
      line += (i ? "  " : "") + (right[i] ? space + row[i] : row[i] + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace netc::runtime
