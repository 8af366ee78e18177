// What `netc tune` is asked for: the section `tune` of the file, overridden by the command line.
#pragma once

#include <optional>

#include "tools/netc/tune/study.h"

namespace netc::tune {

struct CommandLine {
  std::filesystem::path file;
  std::filesystem::path study;  // --study DIR; empty: studies/NAME
  std::string search, objective, sample, data_root;
  std::map<std::string, std::string> fixed;  // -D
  std::optional<int64_t> trials, epochs, seed, jobs;
  bool continue_anyway = false;
};

// Returns the exit code when the program is to end at once (--help, a usage error: 2), -1 to go on.
int parse_command_line(int argc, char **argv, CommandLine &line);

// The study that the file, elaborated to `metadata`, and the command line ask for. Errors are of usage.
Result<StudySettings> study_settings(const CommandLine &line, const nlohmann::json &metadata);

}  // namespace netc::tune
