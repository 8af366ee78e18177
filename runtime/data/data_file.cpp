#include "runtime/data/data_file.h"

#include "runtime/data/arguments.h"
#include "runtime/data/module.h"

namespace netc::runtime {

DataFile DataFile::in_memory(std::string name, std::string bytes) {
  DataFile file;
  file.name_ = std::move(name);
  file.bytes_ = std::make_shared<const std::string>(std::move(bytes));
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
  file.file_ = std::make_shared<const OpenFile>(std::move(*opened));
  return file;
}

Result<std::string> DataFile::read(int64_t offset, int64_t length) const {
  if (bytes_) return bytes_->substr(static_cast<size_t>(offset), static_cast<size_t>(length));
  auto bytes = file_->read(static_cast<uint64_t>(offset), static_cast<uint64_t>(length));
  if (bytes && static_cast<int64_t>(bytes->size()) != length)
    return fail(name_ + ": the file has become shorter while it was read: it ends at byte " +
                std::to_string(offset + static_cast<int64_t>(bytes->size())));
  return bytes;
}

}  // namespace netc::runtime
