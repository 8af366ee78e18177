// Where a compilation's result goes, and writing it there.
#pragma once

#include <filesystem>
#include <string_view>

#include "support/result.h"
#include "support/source.h"
#include "tools/netc/options.h"

namespace netc {

// Empty: the standard output.
std::filesystem::path output_of(const Options &options);

// Refuses what cannot be written, or would take the place of one of the files the result is made from, before time is
// spent on making it.
Result<void> check_output(const Options &options, const SourceMap &sources);

// A regular file is replaced as a whole or stays as it is; a device or a pipe is written to.
Result<void> write_output(const std::filesystem::path &path, std::string_view bytes);
// For a file that nobody else waits for: not synced, and after an error a part of it may be there.
Result<void> write_in_place(const std::filesystem::path &path, std::string_view bytes);

}  // namespace netc
