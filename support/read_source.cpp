#include "support/read_source.h"

#include <cerrno>
#include <fstream>
#include <system_error>
#include <vector>

#include "support/diagnostics.h"

namespace netc {
namespace {

namespace fs = std::filesystem;

std::string lower_case_first(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

tl::unexpected<Error> cannot_read(const fs::path &path, const std::string &reason, std::string help = {}) {
  return fail("cannot read " + path.string() + ": " + reason, std::move(help));
}

std::string nearest_source(const fs::path &path) {
  constexpr size_t kMostNames = 1000;
  std::vector<std::string> names;
  std::error_code failure;
  fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end && names.size() < kMostNames;
       entry.increment(failure))
    if (entry->path().extension() == ".net") names.push_back(entry->path().filename().string());
  std::string near = nearest_name(path.filename().string(), names);
  return near.empty() ? "" : "did you mean " + (path.parent_path() / near).string() + "?";
}

}  // namespace

Result<std::string> read_source(const fs::path &path) {
  std::error_code failure;
  fs::file_status status = fs::status(path, failure);
  if (status.type() == fs::file_type::not_found) return cannot_read(path, "no such file", nearest_source(path));
  if (fs::is_directory(status)) return cannot_read(path, "it is a folder");
  if (fs::exists(status) && !fs::is_regular_file(status)) return cannot_read(path, "it is not a regular file");
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  uintmax_t size = stream ? fs::file_size(path, failure) : 0;
  if (!stream || failure) {
    std::error_code reason = failure ? failure : std::error_code(errno, std::generic_category());
    return cannot_read(path, lower_case_first(reason.message()));
  }
  if (size > kMaxSourceBytes) return fail(path.string() + " is larger than 16 MiB");
  std::string text(size, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(size));
  if (stream.bad()) return cannot_read(path, "the disk gave an error");
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

}  // namespace netc
