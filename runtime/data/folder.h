// Folders whose sub-folders are classes: the files of one sample each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/data/labels.h"
#include "support/result.h"

namespace netc::runtime {

struct FolderFile {
  std::string path;   // to open it
  std::string name;   // for errors: below the folder's name as the user wrote it
  int32_t label = 0;  // number of its sub-folder in `labels`
};
struct ClassFolder {
  std::vector<FolderFile> files;  // by sub-folder, then by path: bytewise, so the same on every file system
  TextColumn labels;              // the names of the sub-folders in order
};

// All files below the sub-folders of `path` (a folder under `root`) whose names end in one of `endings`, in lower or
// upper case. Names that begin with a point are left out. Errors: no such folder, no such files, a sub-folder without
// any.
Result<ClassFolder> read_class_folder(const std::string &root, const std::string &path,
                                      const std::vector<std::string> &endings);

bool is_folder(const std::string &path);
// Whether the name of a file ends in one of them.
bool has_ending(std::string name, const std::vector<std::string> &endings);

}  // namespace netc::runtime
