#include "runtime/io/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

constexpr std::string_view kUnfinished = ".new-";  // in the names of temporary files, before six letters

// Closes on every way out.
struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

std::string reason(int error) {
  std::string text = std::strerror(error);
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
  return text;
}

tl::unexpected<Error> cannot(const char *verb, const std::string &path, int error, std::string help = {}) {
  return fail("cannot " + std::string(verb) + " " + path + ": " + reason(error), std::move(help));
}

std::string folder_of(const std::string &path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// 0 or errno. A short write is carried on; a write that makes no progress is an error.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

int write_and_sync(int descriptor, std::span<const std::string_view> parts) {
  for (std::string_view part : parts)
    if (int error = write_all(descriptor, part)) return error;
  return fsync(descriptor) == 0 ? 0 : errno;
}

std::string help_for(int error, const std::string &path) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space; the file that was there before is untouched";
    case ENOENT:
      return "the folder " + folder_of(path) + " does not exist";
    case EACCES:
    case EROFS:
      return "the folder " + folder_of(path) + " cannot be written to";
    default:
      return {};
  }
}

}  // namespace

OpenFile::OpenFile(std::string path, int descriptor, uint64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

OpenFile::OpenFile(OpenFile &&other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<OpenFile> OpenFile::open(const std::string &path) {
  if (path.find('\0') != std::string::npos) return fail("a path holds a zero byte");
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.number < 0) {
    int error = errno;
    std::string near = error == ENOENT ? nearest_file(path) : std::string();
    return cannot("read", path, error, near.empty() ? std::string() : "did you mean " + near + "?");
  }
  struct stat status;
  if (fstat(file.number, &status) != 0) return cannot("read", path, errno);
  if (S_ISDIR(status.st_mode)) return fail("cannot read " + path + ": it is a folder");
  if (!S_ISREG(status.st_mode)) return fail("cannot read " + path + ": it is not a regular file");
  return OpenFile(path, std::exchange(file.number, -1), static_cast<uint64_t>(status.st_size));
}

Result<std::string> OpenFile::read(uint64_t offset, uint64_t length) const {
  std::string bytes(length, '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t count = pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot("read", path_, errno);
    if (count == 0) break;  // it became shorter while we read
    done += static_cast<size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

Result<std::string> read_file(const std::string &path, uint64_t limit) {
  auto file = OpenFile::open(path);
  if (!file) return tl::unexpected(file.error());
  if (file->size() > limit)
    return fail("cannot read " + path + ": it has " + std::to_string(file->size()) + " bytes, more than the limit of " +
                std::to_string(limit));
  return file->read(0, file->size());
}

Result<void> write_file_atomically(const std::string &path, std::span<const std::string_view> parts) {
  if (path.empty() || path.back() == '/') return fail("cannot write " + path + ": a file name is missing");
  if (path.find('\0') != std::string::npos) return fail("a path holds a zero byte");
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return fail("cannot write " + path + ": it is not a regular file");
  std::string temporary = path + std::string(kUnfinished) + "XXXXXX";
  int saved_error = 0;
  {
    Descriptor file{mkostemp(temporary.data(), O_CLOEXEC)};
    if (file.number < 0) return cannot("write", path, errno, help_for(errno, path));
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(file.number, 0666 & ~mask) != 0) saved_error = errno;
    if (saved_error == 0) saved_error = write_and_sync(file.number, parts);
  }
  if (saved_error == 0 && rename(temporary.c_str(), path.c_str()) != 0) saved_error = errno;
  if (saved_error != 0) {
    unlink(temporary.c_str());
    return cannot("write", path, saved_error, help_for(saved_error, path));
  }
  // The rename survives a power cut only when the folder is on disk, too. Some file systems cannot sync a folder.
  Descriptor folder{open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.number >= 0 && fsync(folder.number) != 0 && errno != EINVAL && errno != ENOTSUP)
    return cannot("sync the folder of", path, errno);
  return {};
}

void remove_unfinished_files(const std::string &folder) {
  DIR *directory = opendir(folder.c_str());
  if (!directory) return;
  while (const dirent *entry = readdir(directory)) {
    std::string_view name = entry->d_name;
    size_t place = name.rfind(kUnfinished);
    if (place != std::string_view::npos && place + kUnfinished.size() + 6 == name.size())
      unlink((folder + "/" + entry->d_name).c_str());
  }
  closedir(directory);
}

}  // namespace netc::runtime
