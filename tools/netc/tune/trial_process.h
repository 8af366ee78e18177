// The process that trains a trial. It dies with netc, however that dies, and the terminal's interrupt does not reach
// it: netc asks it to stop and save.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/result.h"

namespace netc::tune {

class TrialProcess {
 public:
  // Starts the program with its output appended to `log`.
  static Result<TrialProcess> start(const std::filesystem::path &program, const std::vector<std::string> &arguments,
                                    const std::filesystem::path &log);

  pid_t id() const { return id_; }
  // What the program said last as "error: ...", or what it ended with.
  std::string complaint(int status) const;
  void ask_to_stop() const;
  void kill() const;

 private:
  pid_t id_ = -1;
  std::filesystem::path log_;
  uintmax_t log_begin_ = 0;  // where the output of this process starts
};

}  // namespace netc::tune
