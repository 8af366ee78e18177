#include "runtime/cli/text.h"

#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace netc::runtime {

std::string format(const char *pattern, ...) {
  va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  int length = std::vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  std::string text(length > 0 ? static_cast<size_t>(length) : 0, '\0');
  std::vsnprintf(text.data(), text.size() + 1, pattern, again);
  va_end(again);
  return text;
}

std::string count_text(int64_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3 && digits[at - 4] != '-'; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string bytes_text(double bytes) {
  static constexpr const char *kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1023.5 && unit < 4) {
    bytes /= 1024;
    ++unit;
  }
  return format(unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, kUnits[unit]);
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds < 0.00995) return format("%.1f ms", seconds * 1000);
  if (seconds < 0.9995) return format("%.0f ms", seconds * 1000);
  if (seconds < 59.95) return format("%.1f s", seconds);
  auto whole = static_cast<long long>(std::min(std::llround(seconds), 359'999'999LL));
  if (whole < 3600) return format("%lld min %02lld s", whole / 60, whole % 60);
  return format("%lld h %02lld min", whole / 3600, whole / 60 % 60);
}

std::string short_number(double value) {
  if (std::isnan(value)) return "nan";
  double size = std::fabs(value);
  if (size != 0 && (size < 1e-3 || size >= 1e6)) return format("%.3g", value);
  if (size >= 1000) return format("%.1f", value);
  return format(size >= 10 ? "%.2f" : "%.4f", value);
}

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return format("%.1fM/s", per_second / 1e6);
  if (per_second >= 1e4) return format("%.1fk/s", per_second / 1e3);
  return format(per_second >= 10 ? "%.0f/s" : "%.2f/s", per_second);
}

int report_error(const std::string &program, const Error &error, int code) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: error: %s\n", program.c_str(), error.message.c_str());
  if (!error.help.empty()) std::fprintf(stderr, "  help: %s\n", error.help.c_str());
  return code;
}

}  // namespace netc::runtime
