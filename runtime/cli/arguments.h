// The command line of a compiled program: commands with options. Strict: what is not known is an error that suggests
// the nearest thing that is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "support/result.h"

namespace netc::runtime {

struct OptionSpec {
  const char *name;   // "--epochs"
  const char *value;  // "N"; "" for a flag
  const char *help;
};

struct CommandSpec {
  const char *name;
  const char *positional;  // "FILE...", or "" when it takes none
  const char *help;
  std::vector<OptionSpec> options;
};

class Arguments {
 public:
  std::string command;  // "" when only --help or --version was given
  std::vector<std::string> positional;
  bool help = false, version = false;

  bool has(const std::string &option) const { return values_.contains(option); }
  // The last value given, or "".
  std::string text(const std::string &option) const;
  const std::vector<std::string> &all(const std::string &option) const;
  // None when the option was not given; an error when its value is not a whole number from `least` to `most`. Counts of
  // things have 31 bits: so their products do not overflow.
  Result<std::optional<int64_t>> integer(const std::string &option, int64_t least, int64_t most = INT32_MAX) const;
  Result<std::optional<double>> real(const std::string &option) const;
  void remove(const std::string &option) { values_.erase(option); }
  void add(const std::string &option, std::string value) { values_[option].push_back(std::move(value)); }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

// `words` without the name of the program. --name value and --name=value are the same; `--` ends the options.
Result<Arguments> parse_arguments(std::span<const CommandSpec> commands, const std::vector<std::string> &words);
std::string help_text(const std::string &program, std::span<const CommandSpec> commands);
std::string help_text(const std::string &program, const CommandSpec &command);

}  // namespace netc::runtime
