// DataFile: the bytes of a data file, read piece by piece from the disk, or from memory when the file had to be
// unpacked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/data/reader.h"
#include "runtime/io/file.h"
#include "support/result.h"

namespace netc::runtime {

class DataFile {
 public:
  // Opens `path` below the root of the request; a file packed with gzip is unpacked into memory.
  static Result<DataFile> open(const ReadRequest &request, const std::string &path);
  static DataFile in_memory(std::string name, std::string bytes);
  // The bytes offset .. offset + length of this file, as a file of its own.
  DataFile part(std::string name, int64_t offset, int64_t length) const;

  const std::string &name() const { return name_; }  // as the user wrote it, for errors
  int64_t size() const { return size_; }
  bool is_in_memory() const { return bytes_ != nullptr; }
  // Bytes offset .. offset + length, which lie in the file: an error when it has become shorter.
  Result<std::string> read(int64_t offset, int64_t length) const;

 private:
  std::string name_;
  int64_t begin_ = 0, size_ = 0;
  std::shared_ptr<const std::string> bytes_;  // one of the two
  std::shared_ptr<const OpenFile> file_;
};

}  // namespace netc::runtime
