#include "tools/netc/subcommand.h"

#include <fmt/core.h>

#include <filesystem>
#include <vector>

#include "support/diagnostics.h"
#include "tools/netc/check.h"
#include "tools/netc/compare/command.h"
#include "tools/netc/data.h"
#include "tools/netc/tune/command.h"

namespace netc {
namespace {

constexpr Subcommand kSubcommands[] = {
    {"check", "compiles a .net file and runs the checks of its section check", check_command},
    {"compare", "sets trainings side by side: curves, what differed, which was the best", compare::compare_command},
    {"data", "shows what the data of a .net file is like: statistics, balance, duplicates, leaks", data_command},
    {"tune", "searches the params of a .net file that have a space for the best values", tune::tune_command},
};

int unknown_subcommand(const std::string &word) {
  std::vector<std::string> names;
  for (const Subcommand &subcommand : subcommands()) names.emplace_back(subcommand.name);
  std::error_code code;
  std::string near = nearest_name(word, names);
  std::string help = std::filesystem::exists(word + ".net", code) ? "did you mean " + word + ".net?"
                     : !near.empty()                              ? "did you mean netc " + near + "?"
                                     : "netc model.net compiles a file; netc --help lists the subcommands";
  fmt::print(stderr, "netc: error: \"{}\" is neither a subcommand nor a file\nhelp: {}\n", word, help);
  return 2;
}

}  // namespace

std::span<const Subcommand> subcommands() { return kSubcommands; }

std::string subcommand_help() {
  std::string text;
  for (const Subcommand &subcommand : subcommands())
    text += fmt::format("  netc {:<9} {}\n", subcommand.name, subcommand.summary);
  return text.empty() ? "" : "Subcommands, each with --help of its own:\n" + text;
}

std::optional<int> run_subcommand(int argc, char **argv) {
  if (argc < 2 || argv[1][0] == '-' || argv[1][0] == '\0') return std::nullopt;
  std::filesystem::path word = argv[1];
  for (const Subcommand &subcommand : subcommands()) {
    if (word != subcommand.name) continue;
    std::string call = "netc " + word.string();
    std::vector<char *> words = {call.data()};
    words.insert(words.end(), argv + 2, argv + argc);
    words.push_back(nullptr);
    return subcommand.run(argc - 1, words.data());
  }
  std::error_code code;
  if (word.has_extension() || word.has_parent_path() || std::filesystem::exists(word, code)) return std::nullopt;
  return unknown_subcommand(word.string());
}

}  // namespace netc
