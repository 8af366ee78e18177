#include "tools/netc/tune/fingerprint.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <set>

#include "codegen/target.h"
#include "frontend/frontend.h"
#include "tools/netc/hasher.h"
#include "tools/netc/runtime_library.h"

namespace netc::tune {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string hash_of_file(const fs::path &file) {
  SourceMap sources;
  Diagnostics diagnostics;
  read_sources(file, sources, diagnostics);
  Hasher hasher;
  for (FileId id = 0; id < sources.size(); ++id) {
    auto tree = parse_file(sources, id, diagnostics);
    if (!tree) continue;
    std::erase_if(tree->items, [](const ast::Item &item) {
      const auto *section = std::get_if<ast::Section>(&item.node);
      return section && (section->kind.text == "tune" || section->kind.text == "check");
    });
    hasher.add(dump_ast(*tree));
  }
  return hasher.text();
}

// The texts below a value that are the path of something, seen from `root`.
void collect_paths(const json &value, const fs::path &root, std::set<std::string> &paths) {
  std::error_code code;
  if (value.is_string() && !value.get<std::string>().empty() && fs::exists(root / value.get<std::string>(), code))
    paths.insert(value.get<std::string>());
  if (value.is_structured())
    for (const json &part : value) collect_paths(part, root, paths);
}

int64_t ticks(fs::file_time_type time) { return static_cast<int64_t>(time.time_since_epoch().count()); }

Result<json> describe(const fs::path &root, const std::string &path, const json &before) {
  std::error_code code;
  fs::path full = root / path;
  json known;
  for (const json &entry : before)
    if (entry["path"] == path) known = entry;
  Hasher hasher;
  int64_t size = 0, changed = std::numeric_limits<int64_t>::min();
  std::vector<fs::path> files;
  if (fs::is_directory(full, code)) {
    for (const auto &entry : fs::recursive_directory_iterator(full, code))
      if (entry.is_regular_file(code)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
  } else {
    files.push_back(full);
  }
  for (const fs::path &file : files) {
    size += static_cast<int64_t>(fs::file_size(file, code));
    changed = std::max(changed, ticks(fs::last_write_time(file, code)));
    hasher.add(fs::relative(file, root, code).string());
  }
  if (known.is_object() && known["size"] == size && known["changed"] == changed) return known;
  for (const fs::path &file : files)
    if (!hasher.add_file(file)) return fail("cannot read " + file.string());
  return json{{"path", path}, {"size", size}, {"changed", changed}, {"hash", hasher.text()}};
}

}  // namespace

Result<json> fingerprint(const fs::path &file, const json &metadata, const std::string &data_root, const json &before) {
  Hasher netc;
  auto library = find_runtime_library();
  if (!library) return tl::unexpected(library.error());
  for (const fs::path &part : {fs::path("/proc/self/exe"), *library})
    if (!netc.add_file(part)) return fail("cannot read " + part.string());
  auto target = make_target({});
  if (!target) return tl::unexpected(target.error());
  std::set<std::string> paths;
  for (const char *section : {"data", "train"})
    if (metadata.contains(section)) collect_paths(metadata[section], data_root, paths);
  json data = json::array();
  for (const std::string &path : paths) {
    auto entry = describe(data_root, path, before.is_object() ? before["data"] : json::array());
    if (!entry) return tl::unexpected(entry.error());
    data.push_back(std::move(*entry));
  }
  return json{{"file", hash_of_file(file)}, {"netc", netc.text()}, {"processor", target->cpu}, {"data", data}};
}

std::vector<std::string> differences(const json &before, const json &now, const std::string &file) {
  std::vector<std::string> changed;
  if (before["file"] != now["file"]) changed.push_back(file);
  auto hash_in = [](const json &list, const json &path) {
    for (const json &entry : list)
      if (entry["path"] == path) return entry["hash"];
    return json();
  };
  std::set<std::string> paths;
  for (const json *list : {&before["data"], &now["data"]})
    for (const json &entry : *list) paths.insert(entry["path"].get<std::string>());
  for (const std::string &path : paths)
    if (hash_in(before["data"], path) != hash_in(now["data"], path)) changed.push_back("the data " + path);
  if (before["netc"] != now["netc"]) changed.emplace_back("netc itself");
  if (before["processor"] != now["processor"])
    changed.push_back(fmt::format("the processor ({} then, {} now)", before["processor"].get<std::string>(),
                                  now["processor"].get<std::string>()));
  return changed;
}

}  // namespace netc::tune
