#include "tools/netc/output.h"

#include <fmt/core.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "runtime/io/file.h"

namespace netc {

namespace fs = std::filesystem;

fs::path output_of(const Options &options) {
  if (!options.output.empty()) return options.output == "-" ? fs::path() : options.output;
  if (options.stage == Stage::executable) return options.input.stem();
  return options.stage == Stage::object ? options.input.stem().concat(".o") : fs::path();
}

Result<void> check_output(const Options &options, const SourceMap &sources) {
  fs::path output = output_of(options);
  bool is_binary = options.stage == Stage::executable || options.stage == Stage::object;
  if (output.empty() && is_binary) return fail("programs and objects go to a file", "-o NAME names it");
  std::error_code code;
  fs::file_status there = fs::status(output, code);
  if (output.empty() || !fs::exists(there)) return {};
  if (fs::is_directory(there))
    return fail(fmt::format("cannot write {}: it is a folder", output.string()), "-o NAME names the result");
  if (options.stage == Stage::executable && !fs::is_regular_file(there))
    return fail(fmt::format("cannot write {}: it is not a regular file", output.string()),
                "--emit=graph -o /dev/null checks a file without making a program");
  for (FileId id = 0; id < sources.size(); ++id)
    if (fs::equivalent(output, sources.file(id).name(), code))
      return fail(fmt::format("the result would take the place of {}, which it is made from", output.string()),
                  "-o NAME names the result");
  return {};
}

Result<void> write_in_place(const fs::path &path, std::string_view bytes) {
  errno = 0;
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (out) return {};
  std::string reason = std::error_code(errno, std::generic_category()).message();
  return fail(fmt::format("cannot write {}: {}", path.string(), reason),
              "check that the folder exists, is writable and has room");
}

Result<void> write_output(const fs::path &path, std::string_view bytes) {
  std::error_code code;
  fs::file_status there = fs::status(path, code);
  if (fs::exists(there) && !fs::is_regular_file(there)) return write_in_place(path, bytes);
  return runtime::write_file_atomically(path.string(), bytes);
}

}  // namespace netc
