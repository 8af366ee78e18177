// Text for people: formatted strings, counts, sizes and durations, and the way an error is said.
#pragma once

#include <cstdint>
#include <string>

#include "support/result.h"

namespace netc::runtime {

// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string format(const char *pattern, ...);
std::string count_text(int64_t count);      // "8970" -> "8,970"
std::string bytes_text(double bytes);       // "512 B", "1.5 MiB"
std::string duration_text(double seconds);  // "8.2 s", "3 min 05 s", "2 h 04 min"
std::string short_number(double value);     // "0.3127", "1.2e-05": about four digits, for a line of metrics
std::string rate_text(double per_second);   // "950/s", "12.4k/s"

// The exit codes of a compiled program; interrupted and saved is 128 + the signal.
enum ExitCode { kDone = 0, kFailed = 1, kUsage = 2, kBadData = 3, kDiverged = 4, kCheckFailed = 5 };

// Writes "NAME: error: MESSAGE", then "help: ..." if there is one, to standard error and returns `code`.
int report_error(const std::string &program, const Error &error, int code);

}  // namespace netc::runtime
