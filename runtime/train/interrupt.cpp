#include "runtime/train/interrupt.h"

#include <unistd.h>
#include <csignal>

namespace netc::runtime {
namespace {

volatile std::sig_atomic_t pending_signal = 0;

void note_signal(int number) {
  if (pending_signal != 0 && number == SIGINT) _exit(128 + number);
  pending_signal = number;
}

}  // namespace

void watch_interrupts() {
  pending_signal = 0;
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGPIPE, &action, nullptr);  // whoever read the output has gone
}

int interrupted() { return pending_signal; }

}  // namespace netc::runtime
