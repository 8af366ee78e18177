#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "tools/netc/build.h"

extern char **environ;

namespace netc {
namespace {

volatile std::sig_atomic_t running_child = 0;

// A signal that a terminal sends goes to the program as well; one that was sent to netc alone is handed on.
void hand_on(int signal, siginfo_t *info, void *) {
  if (info->si_code <= 0 && running_child > 0) kill(running_child, signal);
}

// Has SIGINT and SIGTERM handed on while it lives.
class SignalsHandedOn {
 public:
  SignalsHandedOn() {
    struct sigaction action {};
    action.sa_sigaction = hand_on;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGINT, &action, &interrupt_);
    sigaction(SIGTERM, &action, &terminate_);
  }
  ~SignalsHandedOn() {
    sigaction(SIGINT, &interrupt_, nullptr);
    sigaction(SIGTERM, &terminate_, nullptr);
  }
  SignalsHandedOn(const SignalsHandedOn &) = delete;
  SignalsHandedOn &operator=(const SignalsHandedOn &) = delete;

 private:
  struct sigaction interrupt_ {
  }, terminate_{};
};

// Signals wait until the child is known, so that none is lost in between. Returns an errno.
int spawn(const std::filesystem::path &program, const std::vector<char *> &words, pid_t &child) {
  sigset_t waiting, before;
  sigemptyset(&waiting);
  sigaddset(&waiting, SIGINT);
  sigaddset(&waiting, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &waiting, &before);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &before);
  int error = posix_spawn(&child, program.c_str(), nullptr, &attributes, words.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) running_child = child;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

}  // namespace

int run_program(const std::filesystem::path &program, const std::vector<std::string> &arguments) {
  std::string call = "./" + program.filename().string();  // in what it advises: not its place in the cache
  std::vector<char *> words = {call.data()};
  for (const std::string &argument : arguments) words.push_back(const_cast<char *>(argument.c_str()));
  words.push_back(nullptr);
  SignalsHandedOn signals;
  pid_t child = 0;
  if (int error = spawn(program, words, child); error != 0) {
    fmt::print(stderr, "netc: error: cannot run {}: {}\n", program.string(), std::strerror(error));
    return 1;
  }
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
  }
  running_child = 0;
  if (ended < 0) {
    fmt::print(stderr, "netc: error: lost track of {}: {}\n", program.string(), std::strerror(errno));
    return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace netc
