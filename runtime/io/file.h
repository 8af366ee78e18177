// Files: read whole with a bound or piece by piece, written so that a reader sees the old content or the new one and
// nothing between.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "support/result.h"

namespace netc::runtime {

// A regular file open for reading.
class OpenFile {
 public:
  // Errors as those of read_file.
  static Result<OpenFile> open(const std::string &path);
  OpenFile(OpenFile &&other) noexcept;
  ~OpenFile();
  uint64_t size() const { return size_; }  // when it was opened
  // Bytes offset .. offset + length; fewer when the file has become shorter.
  Result<std::string> read(uint64_t offset, uint64_t length) const;

 private:
  OpenFile(std::string path, int descriptor, uint64_t size);
  std::string path_;
  int descriptor_;
  uint64_t size_;
};

// The bytes of a regular file of at most `limit` bytes. Errors name the path and the reason ("cannot read x.csv: no
// such file or directory") and, for a missing file, the nearest name in its folder.
Result<std::string> read_file(const std::string &path, uint64_t limit = uint64_t{1} << 36);

// Writes the parts one after another to a temporary file in the folder of `path`, syncs it, renames it to `path` and
// syncs the folder. On an error (no space, no permission, ...) the temporary file is gone and the file at `path`, if
// there is one, is what it was.
Result<void> write_file_atomically(const std::string &path, std::span<const std::string_view> parts);
inline Result<void> write_file_atomically(const std::string &path, std::string_view content) {
  return write_file_atomically(path, std::span<const std::string_view>(&content, 1));
}

// Removes what processes that were killed in write_file_atomically have left in a folder. Nobody may be writing there.
void remove_unfinished_files(const std::string &folder);

}  // namespace netc::runtime
