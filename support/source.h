// Source text and places in it. Offsets are bytes; lines and columns count from 1, columns in bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace netc {

using FileId = uint32_t;
inline constexpr FileId kNoFile = UINT32_MAX;

// A half-open range of bytes of one file. `file == kNoFile` means "no place known".
struct Span {
  FileId file = kNoFile;
  uint32_t begin = 0;
  uint32_t end = 0;
  bool known() const { return file != kNoFile; }
};

struct LineColumn {
  uint32_t line = 0;
  uint32_t column = 0;
};

// One file of source text with the offsets of its lines.
class SourceFile {
 public:
  SourceFile(std::string name, std::string text);
  const std::string &name() const { return name_; }
  const std::string &text() const { return text_; }
  LineColumn position(uint32_t offset) const;
  // The text of a line (from 1) without its line end; empty past the last line.
  std::string_view line(uint32_t number) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<uint32_t> line_starts_;
};

// All files of one compilation; ids stay valid for its life, references too.
class SourceMap {
 public:
  FileId add(std::string name, std::string text);
  const SourceFile &file(FileId id) const { return files_[id]; }
  size_t size() const { return files_.size(); }

 private:
  std::deque<SourceFile> files_;
};

}  // namespace netc
