#include "tools/netc/tune/trial_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

namespace netc::tune {
namespace {

// In the child, between fork and exec: system calls alone.
[[noreturn]] void become(char *const *words, int output, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // netc died before that
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execv(words[0], words);
  _exit(127);
}

}  // namespace

Result<TrialProcess> TrialProcess::start(const std::filesystem::path &program,
                                         const std::vector<std::string> &arguments, const std::filesystem::path &log) {
  TrialProcess process;
  process.log_ = log;
  int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (output < 0) return fail(fmt::format("cannot write {}: {}", log.string(), std::strerror(errno)));
  std::error_code code;
  process.log_begin_ = std::filesystem::file_size(log, code);
  std::string name = program.string();
  std::vector<char *> words = {name.data()};
  for (const std::string &argument : arguments) words.push_back(const_cast<char *>(argument.c_str()));
  words.push_back(nullptr);
  pid_t parent = getpid();
  process.id_ = fork();
  if (process.id_ == 0) become(words.data(), output, parent);
  int error = errno;
  close(output);
  if (process.id_ < 0) return fail(fmt::format("cannot start {}: {}", name, std::strerror(error)));
  return process;
}

std::string TrialProcess::complaint(int status) const {
  std::ifstream in(log_);
  in.seekg(static_cast<std::streamoff>(log_begin_));
  std::string line, message;
  while (std::getline(in, line))
    if (auto place = line.find(": error: "); place != std::string::npos) message = line.substr(place + 9);
  if (!message.empty()) return message;
  if (WIFSIGNALED(status))
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("it ended with status {}; see {}", WEXITSTATUS(status), log_.string());
}

void TrialProcess::ask_to_stop() const { ::kill(id_, SIGTERM); }
void TrialProcess::kill() const { ::kill(id_, SIGKILL); }

}  // namespace netc::tune
