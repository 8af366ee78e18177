// Linking by the C++ compiler driver, which knows where the platform keeps its start files and libraries. It is run
// with an argument vector: no shell sees a file name.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/core.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include <cstring>
#include <fstream>

#include "codegen/codegen.h"

extern char **environ;

namespace netc {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> find_program(const std::string &name) {
  const char *path = std::getenv("PATH");
  std::string_view folders = path ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    auto colon = folders.find(':');
    fs::path candidate = fs::path(folders.substr(0, colon)) / name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    folders = colon == std::string_view::npos ? std::string_view{} : folders.substr(colon + 1);
  }
  return std::nullopt;
}

// Runs a program with its messages going to `log`. Returns the exit status, or an errno message.
Result<int> run(const fs::path &program, const std::vector<std::string> &arguments, const fs::path &log) {
  std::vector<char *> argv = {const_cast<char *>(program.c_str())};
  for (const std::string &argument : arguments) argv.push_back(const_cast<char *>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  int code = posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) return fail(fmt::format("cannot run {}: {}", program.string(), std::strerror(code)));
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return fail(fmt::format("lost track of {}: {}", program.string(), std::strerror(errno)));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool is_for_this_architecture(const TargetOptions &target) {
  if (target.triple.empty()) return true;
  return llvm::Triple(llvm::Triple::normalize(target.triple)).getArch() ==
         llvm::Triple(llvm::sys::getDefaultTargetTriple()).getArch();
}

std::string read_text(const fs::path &path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Result<void> link_executable(const fs::path &object, const fs::path &runtime_library,
                             const std::vector<std::string> &libraries, const fs::path &output,
                             const TargetOptions &target) {
  if (!is_for_this_architecture(target))
    return fail("no executable for " + target.triple + ": the runtime library is that of this machine",
                "--emit=obj makes the object");
  auto driver = find_program("c++");
  if (!driver) return fail("no linker: the program c++ is not on the PATH", "install the Debian package g++");

  fs::path temporary = output;
  temporary += ".link" + std::to_string(getpid());
  fs::path log = temporary;
  log += ".log";
  std::vector<std::string> arguments = {"-o",
                                        temporary.string(),
                                        "-Wl,-u,nc_program",
                                        object.string(),
                                        runtime_library.string(),
                                        "-Wl,--gc-sections",
                                        "-Wl,-O2",                 // strings that end alike are kept once
                                        "-Wl,--exclude-libs,ALL",  // nobody looks for symbols in a program
                                        "-Wl,--as-needed",
                                        "-no-pie"};  // 24 bytes of relocation for each pointer in a table
  for (const char *lld : {"ld.lld-19", "ld.lld"})
    if (auto found = find_program(lld)) {
      std::error_code code;
      arguments.push_back("-fuse-ld=lld");
      arguments.push_back("-Wl,--icf=all");                       // predict and evaluate have kernels in common
      arguments.push_back("-Wl,--ignore-data-address-equality");  // and constants
      arguments.push_back("-Wl,--no-mmap-output-file");           // a full disk is an error then, not a crash
      arguments.push_back("-B" + fs::canonical(*found, code).parent_path().string());  // where it is called ld.lld
      break;
    }
  for (const std::string &library : libraries) arguments.push_back("-l" + library);

  auto status = run(*driver, arguments, log);
  std::string messages = read_text(log);
  std::error_code code;
  fs::remove(log, code);
  if (status && *status == 0) fs::rename(temporary, output, code);
  if (status && *status == 0 && !code) return {};
  std::error_code ignored;
  fs::remove(temporary, ignored);
  if (!status) return tl::unexpected(status.error());
  if (code) return fail(fmt::format("cannot write {}: {}", output.string(), code.message()));
  if (messages.empty())  // its messages go to a file beside the program
    return fail(fmt::format("the linker failed with status {} and left no message", *status),
                fmt::format("is there room for {}?", output.string()));
  return fail(fmt::format("the linker failed with status {}:\n{}", *status, messages));
}

}  // namespace netc
