#include "runtime/data/folder.h"

#include <algorithm>
#include <filesystem>

#include "runtime/data/arguments.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

namespace fs = std::filesystem;

constexpr int deepest_folder = 32;

// The names in a folder, in order.
Result<std::vector<std::string>> names_in(const std::string &path, const std::string &shown) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name[0] != '.') names.push_back(std::move(name));
  }
  if (error) return fail("cannot read the folder " + shown + ": " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> collect(const std::string &path, const std::string &shown, const std::vector<std::string> &endings,
                     int depth, int32_t label, std::vector<FolderFile> &files) {
  if (depth > deepest_folder) return fail(shown + ": folders within folders, more than 32 deep");
  auto names = names_in(path, shown);
  if (!names) return tl::unexpected(names.error());
  for (const std::string &name : *names) {
    std::string inside = path + "/" + name, shown_inside = shown + "/" + name;
    std::error_code error;
    if (fs::is_directory(inside, error)) {
      if (auto done = collect(inside, shown_inside, endings, depth + 1, label, files); !done) return done;
    } else if (has_ending(name, endings)) {
      files.push_back({inside, shown_inside, label});
    }
  }
  return {};
}

}  // namespace

bool has_ending(std::string name, const std::vector<std::string> &endings) {
  for (char &c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::any_of(endings.begin(), endings.end(), [&](const std::string &ending) { return name.ends_with(ending); });
}

bool is_folder(const std::string &path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

Result<ClassFolder> read_class_folder(const std::string &root, const std::string &path,
                                      const std::vector<std::string> &endings) {
  std::string place = resolve_path(root, path);
  while (place.size() > 1 && place.back() == '/') place.pop_back();
  std::error_code error;
  if (!fs::is_directory(place, error)) {
    if (fs::exists(place, error))
      return fail(path + ": it is a file, expected a folder with a sub-folder for each class");
    std::string near = nearest_file(place);
    return fail("cannot read the folder " + path + ": there is none", near.empty() ? "" : "did you mean " + near + "?");
  }
  auto names = names_in(place, path);
  if (!names) return tl::unexpected(names.error());
  ClassFolder folder;
  folder.labels.file = path;
  bool has_files = false;
  for (const std::string &name : *names) {
    std::string inside = place + "/" + name;
    if (!fs::is_directory(inside, error)) {
      has_files |= has_ending(name, endings);
      continue;
    }
    if (!is_utf8(name)) return fail(path + ": the name of the folder " + in_quotes(name) + " is not UTF-8 text");
    int32_t label = folder.labels.number_of(name, 0, 0);
    size_t before = folder.files.size();
    if (auto done = collect(inside, path + "/" + name, endings, 0, label, folder.files); !done)
      return tl::unexpected(done.error());
    if (folder.files.size() == before)
      return fail(path + "/" + name + ": no file in it that ends in " + listed(endings));
  }
  if (folder.files.empty())
    return fail(path + ": no sub-folders with files that end in " + listed(endings),
                has_files ? "put the files of each class into a folder with the name of the class" : "");
  return folder;
}

}  // namespace netc::runtime
