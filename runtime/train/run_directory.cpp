#include "runtime/train/run_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "runtime/cli/text.h"
#include "runtime/io/file.h"

namespace netc::runtime {
namespace {

tl::unexpected<Error> system_error(const std::string &what, int error) {
  return fail(what + ": " + std::strerror(error));
}

// Makes the folder and those above it; true when the last one is new.
Result<bool> make_folders(const std::string &path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (mkdir(path.substr(0, slash).c_str(), 0777) != 0 && errno != EEXIST) {
      return system_error("cannot make the folder " + path.substr(0, slash), errno);
    }
  }
  if (mkdir(path.c_str(), 0777) == 0) return true;
  if (errno == EEXIST) return false;
  return system_error("cannot make the folder " + path, errno);
}

// The number of "NAME-012", or 0.
int64_t run_number(const std::string &program, const std::string &folder) {
  if (!folder.starts_with(program + "-")) return 0;
  const char *begin = folder.data() + program.size() + 1, *end = folder.data() + folder.size();
  int64_t number = 0;
  auto [stop, error] = std::from_chars(begin, end, number);
  return error == std::errc() && stop == end && number > 0 ? number : 0;
}

std::string run_path(const std::string &program, int64_t number) {
  return format("runs/%s-%03lld", program.c_str(), static_cast<long long>(number));
}

std::vector<int64_t> run_numbers(const std::string &program) {
  std::vector<int64_t> numbers;
  DIR *folder = opendir("runs");
  if (!folder) return numbers;
  while (const dirent *entry = readdir(folder)) {
    if (int64_t number = run_number(program, entry->d_name)) numbers.push_back(number);
  }
  closedir(folder);
  return numbers;
}

}  // namespace

bool file_exists(const std::string &path) { return access(path.c_str(), F_OK) == 0; }

Result<RunDirectory> RunDirectory::lock(const std::string &path) {
  std::string name = path + "/lock";
  int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return system_error("cannot write in the run directory " + path, errno);
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    ssize_t length = read(file, owner, sizeof owner - 1);
    close(file);
    return fail("the run directory " + path + " is in use" +
                (length > 0 ? " by process " + std::string(owner, strcspn(owner, "\n")) : ""));
  }
  std::string pid = std::to_string(getpid()) + "\n";
  bool written = ftruncate(file, 0) == 0 && write(file, pid.data(), pid.size()) == static_cast<ssize_t>(pid.size());
  RunDirectory result(path, file);
  if (!written) return system_error("cannot write in the run directory " + path, errno);
  if (auto made = make_folders(path + "/checkpoints"); !made) return tl::unexpected(made.error());
  return result;
}

Result<RunDirectory> RunDirectory::create(const std::string &program, const std::string &path) {
  if (!path.empty()) {
    if (auto made = make_folders(path); !made) return tl::unexpected(made.error());
    if (file_exists(path + "/config.json")) {
      return fail("the run directory " + path + " holds a run already", "continue it with --resume, or choose another");
    }
    return lock(path);
  }
  int64_t number = 1;
  for (int64_t used : run_numbers(program)) number = std::max(number, used + 1);
  while (true) {
    auto made = make_folders(run_path(program, number));
    if (!made) return tl::unexpected(made.error());
    if (*made) return lock(run_path(program, number));
    ++number;  // another training has just taken it
  }
}

Result<RunDirectory> RunDirectory::open(const std::string &path) {
  std::string clean = path;
  while (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  if (!file_exists(clean + "/config.json")) return fail(clean + " holds no run to resume");
  auto run = lock(clean);
  if (!run) return run;
  for (const std::string &folder : {clean, clean + "/checkpoints"}) remove_unfinished_files(folder);
  return run;
}

RunDirectory::RunDirectory(RunDirectory &&other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunDirectory::~RunDirectory() {
  if (lock_ >= 0) close(lock_);
}

std::string newest_run(const std::string &program) {
  int64_t newest = 0;
  for (int64_t number : run_numbers(program)) {
    if (number > newest && file_exists(run_path(program, number) + "/checkpoints/best.safetensors")) newest = number;
  }
  return newest ? run_path(program, newest) : "";
}

}  // namespace netc::runtime
