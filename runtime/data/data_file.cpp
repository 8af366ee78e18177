#include "runtime/data/data_file.h"

#include "runtime/data/arguments.h"
#include "runtime/data/module.h"

namespace netc::runtime {

DataFile DataFile::in_memory(std::string name, std::string bytes) {
  DataFile file;
  file.name_ = std::move(name);
  file.size_ = static_cast<int64_t>(bytes.size());
  file.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  return file;
}

DataFile DataFile::part(std::string name, int64_t offset, int64_t length) const {
  DataFile file = *this;
  file.name_ = std::move(name);
  file.begin_ += offset;
  file.size_ = length;
  return file;
}

Result<DataFile> DataFile::open(const ReadRequest &request, const std::string &path) {
  auto opened = OpenFile::open(resolve_path(request.root, path));
  if (!opened) return tl::unexpected(opened.error());
  auto head = opened->read(0, 2);
  if (!head) return tl::unexpected(head.error());
  if (*head == "\x1f\x8b" || path.ends_with(".gz")) {
    auto bytes = read_data_file(request, path);
    if (!bytes) return tl::unexpected(bytes.error());
    return in_memory(path, std::move(*bytes));
  }
  DataFile file;
  file.name_ = path;
  file.size_ = static_cast<int64_t>(opened->size());
  file.file_ = std::make_shared<const OpenFile>(std::move(*opened));
  return file;
}

Result<std::string> DataFile::read(int64_t offset, int64_t length) const {
  uint64_t begin = static_cast<uint64_t>(begin_ + offset), count = static_cast<uint64_t>(length);
  if (bytes_) return bytes_->substr(begin, count);
  auto bytes = file_->read(begin, count);
  if (bytes && bytes->size() != count)
    return fail(name_ + ": the file has become shorter while it was read: it ends at byte " +
                std::to_string(begin + bytes->size()));
  return bytes;
}

}  // namespace netc::runtime
