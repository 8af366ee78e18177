#include "tools/netc/program_cache.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

namespace netc {
namespace {

namespace fs = std::filesystem;

constexpr const char *kStaging = ".making-";  // what is not complete
constexpr std::chrono::hours kAbandoned{1};   // a staging folder this old belongs to a process that died

uintmax_t entry_size(const fs::path &entry) {
  uintmax_t size = 0;
  std::error_code code;
  for (const fs::directory_entry &file : fs::directory_iterator(entry, code))
    if (uintmax_t bytes = file.file_size(code); !code) size += bytes;
  return size;
}

// Of entries that other processes remove: they vanish at once, under a name nobody looks for.
void remove_entry(const fs::path &entry) {
  std::error_code code;
  fs::path aside = entry.parent_path() / fmt::format("{}{}-{}", kStaging, getpid(), entry.filename().string());
  fs::rename(entry, aside, code);
  if (!code) fs::remove_all(aside, code);
}

}  // namespace

Result<ProgramCache> ProgramCache::open() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  fs::path folder;
  if (cache && cache[0] == '/')
    folder = cache;
  else if (home && home[0] == '/')
    folder = fs::path(home) / ".cache";
  else
    return fail("there is no folder for compiled programs: neither XDG_CACHE_HOME nor HOME is set",
                "set XDG_CACHE_HOME to a folder that may be written");
  folder = folder / "netc" / "programs";
  std::error_code code;
  fs::create_directories(folder, code);
  if (code)
    return fail(fmt::format("cannot make the folder {}: {}", folder.string(), code.message()),
                "set XDG_CACHE_HOME to a folder that may be written");
  return ProgramCache(folder);
}

std::optional<fs::path> ProgramCache::find(const std::string &key, const std::string &name) const {
  std::error_code code;
  fs::path program = folder_ / key / name;
  if (!fs::is_regular_file(program, code)) return std::nullopt;
  fs::last_write_time(folder_ / key, fs::file_time_type::clock::now(), code);
  return program;
}

tl::expected<fs::path, int> ProgramCache::add(const std::string &key, const std::string &name,
                                              const std::function<int(const fs::path &)> &make) const {
  std::error_code code;
  fs::path staging = folder_ / fmt::format("{}{}-{}", kStaging, getpid(), key);
  fs::create_directories(staging, code);
  auto give_up = [&](int exit_code) {
    std::error_code ignored;
    fs::remove_all(staging, ignored);
    return tl::unexpected(exit_code);
  };
  auto complain = [&] {
    fmt::print(stderr, "netc: error: cannot write to {}: {}\nhelp: {}\n", folder_.string(), code.message(),
               "compiled programs are kept there; XDG_CACHE_HOME names another folder");
    return give_up(2);
  };
  if (code) return complain();
  if (int exit_code = make(staging / name); exit_code != 0) return give_up(exit_code);
  fs::rename(staging, folder_ / key, code);
  if (code && !find(key, name)) return complain();
  if (code) fs::remove_all(staging, code);  // another process was faster
  shrink(key);
  return folder_ / key / name;
}

void ProgramCache::shrink(const std::string &keep) const {
  struct Entry {
    fs::path path;
    fs::file_time_type used;
    uintmax_t size;
  };
  std::vector<Entry> entries;
  uintmax_t total = 0;
  std::error_code code;
  auto now = fs::file_time_type::clock::now();
  for (const fs::directory_entry &entry : fs::directory_iterator(folder_, code)) {
    fs::file_time_type used = entry.last_write_time(code);
    if (code) continue;
    if (entry.path().filename().string().starts_with(kStaging)) {
      if (now - used > kAbandoned) fs::remove_all(entry.path(), code);
      continue;
    }
    entries.push_back({entry.path(), used, entry_size(entry.path())});
    total += entries.back().size;
  }
  std::sort(entries.begin(), entries.end(), [](const Entry &a, const Entry &b) { return a.used < b.used; });
  for (const Entry &entry : entries) {
    if (total <= limit_) break;
    if (entry.path.filename() == keep) continue;
    remove_entry(entry.path);
    total -= entry.size;
  }
}

}  // namespace netc
