#include "runtime/cli/arguments.h"

#include <charconv>
#include <cmath>

#include "runtime/cli/text.h"
#include "runtime/io/nearest.h"

namespace netc::runtime {
namespace {

std::string did_you_mean(const std::string &word, const std::vector<std::string> &names) {
  std::string nearest = nearest_word(word, names);
  return nearest.empty() ? "" : "did you mean " + nearest + "?";
}

const OptionSpec *find_option(const CommandSpec &command, const std::string &name) {
  for (const OptionSpec &option : command.options) {
    if (name == option.name) return &option;
  }
  return nullptr;
}

tl::unexpected<Error> unknown_option(const CommandSpec &command, const std::string &name) {
  std::vector<std::string> names = {"--help"};
  for (const OptionSpec &option : command.options) names.push_back(option.name);
  std::string help = did_you_mean(name, names);
  return fail(std::string(command.name) + " has no option " + name,
              help.empty() ? std::string("see: ") + command.name + " --help" : help);
}

std::string option_line(const std::string &left, const char *help) {
  return format("  %-24s %s\n", left.c_str(), help);
}

}  // namespace

std::string Arguments::text(const std::string &option) const {
  auto found = values_.find(option);
  return found == values_.end() ? "" : found->second.back();
}

const std::vector<std::string> &Arguments::all(const std::string &option) const {
  static const std::vector<std::string> kNone;
  auto found = values_.find(option);
  return found == values_.end() ? kNone : found->second;
}

Result<std::optional<int64_t>> Arguments::integer(const std::string &option, int64_t least, int64_t most) const {
  if (!has(option)) return std::nullopt;
  std::string value = text(option);
  int64_t number = 0;
  auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  bool is_whole = stop == value.data() + value.size() && error == std::errc();
  if (error == std::errc::result_out_of_range || (is_whole && number > most)) {
    return fail(format("%s takes a whole number up to %lld, got '%s'", option.c_str(), static_cast<long long>(most),
                       value.c_str()));
  }
  if (!is_whole || number < least) {
    return fail(format("%s takes a whole number from %lld on, got '%s'", option.c_str(), static_cast<long long>(least),
                       value.c_str()));
  }
  return number;
}

Result<std::optional<double>> Arguments::real(const std::string &option) const {
  if (!has(option)) return std::nullopt;
  std::string value = text(option);
  double number = 0;
  auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || stop != value.data() + value.size() || !std::isfinite(number)) {
    return fail(option + " takes a number, got '" + value + "'");
  }
  return number;
}

Result<Arguments> parse_arguments(std::span<const CommandSpec> commands, const std::vector<std::string> &words) {
  Arguments result;
  const CommandSpec *command = nullptr;
  bool options_over = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string &word = words[i];
    bool is_option = !options_over && word.size() > 1 && word[0] == '-';
    if (is_option && word == "--") {
      options_over = true;
    } else if (is_option && (word == "--help" || word == "-h")) {
      result.help = true;
    } else if (is_option && word == "--version") {
      result.version = true;
    } else if (is_option) {
      size_t equals = word.find('=');
      std::string name = word.substr(0, equals);
      if (!command) return fail("expected a command before " + word, "see: --help");
      const OptionSpec *option = find_option(*command, name);
      if (!option) return unknown_option(*command, name);
      bool takes_value = option->value[0] != 0;
      if (!takes_value && equals != std::string::npos) return fail(name + " takes no value");
      if (!takes_value) {
        result.add(name, "");
      } else if (equals != std::string::npos) {
        result.add(name, word.substr(equals + 1));
      } else if (i + 1 < words.size()) {
        result.add(name, words[++i]);
      } else {
        return fail(name + " needs a value: " + name + " " + option->value);
      }
    } else if (!command) {
      std::vector<std::string> names;
      for (const CommandSpec &candidate : commands) {
        if (word == candidate.name) command = &candidate;
        names.push_back(candidate.name);
      }
      if (!command) {
        std::string help = did_you_mean(word, names);
        return fail("there is no command " + word, help.empty() ? "see: --help" : help);
      }
      result.command = word;
    } else if (command->positional[0] == 0) {
      return fail(std::string(command->name) + " takes no argument, got '" + word + "'");
    } else {
      result.positional.push_back(word);
    }
  }
  if (!command && !result.help && !result.version) return fail("expected a command", "see: --help");
  return result;
}

std::string help_text(const std::string &program, std::span<const CommandSpec> commands) {
  std::string text = "usage: " + program + " COMMAND [OPTIONS]\n\n";
  for (const CommandSpec &command : commands) text += option_line(command.name, command.help);
  return text + "\n" + program + " COMMAND --help tells the options of a command.\n";
}

std::string help_text(const std::string &program, const CommandSpec &command) {
  std::string text = "usage: " + program + " " + command.name + (command.positional[0] ? " " : "") + command.positional;
  text += (command.options.empty() ? "\n\n" : " [OPTIONS]\n\n") + std::string(command.help) + "\n\n";
  for (const OptionSpec &option : command.options) {
    text += option_line(option.name + std::string(option.value[0] ? " " : "") + option.value, option.help);
  }
  return text;
}

}  // namespace netc::runtime
