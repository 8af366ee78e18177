#include "runtime/cli/first_weights.h"

#include <cstdio>
#include <filesystem>

#include "runtime/cli/text.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;
constexpr size_t kShown = 8;  // names in a list

std::string list_text(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > kShown) text += " and " + std::to_string(names.size() - kShown) + " more";
  return text;
}

void print_names(const char *what, const std::vector<std::string> &names) {
  if (!names.empty()) std::printf("  %s: %s\n", what, list_text(names).c_str());
}

}  // namespace

FirstWeights first_weights(const Arguments &arguments, const json &metadata) {
  FirstWeights first{arguments.text("--from"), arguments.has("--skip-mismatch")};
  const json &call = metadata["train"].contains("weights") ? metadata["train"]["weights"] : json();
  if (first.path.empty() && name_of(call) == "load") {
    first.path = name_or(argument(call, "path", 0), "");
    if (!first.path.starts_with("/")) first.path = metadata.value("data_root", ".") + "/" + first.path;
    first.skip_mismatch = first.skip_mismatch || boolean_or(argument(call, "skip_mismatch", 1), false);
  }
  std::error_code error;
  if (std::filesystem::is_directory(first.path, error)) first.path += "/checkpoints/best.safetensors";
  return first;
}

Result<void> take_weights(Program &program, const FirstWeights &first) {
  auto file = read_safetensors(first.path);
  if (!file) return tl::unexpected(file.error());
  Loaded loaded = load_weights(program, *file, false);
  if (loaded.weights == 0) {
    return fail(first.path + " has none of this program's weights", "it holds " + list_text(loaded.unused));
  }
  if (!loaded.complete() && !first.skip_mismatch) {
    std::string problem = list_text(loaded.different);
    if (!loaded.missing.empty()) problem += (problem.empty() ? "" : "; ") + ("it has no " + list_text(loaded.missing));
    if (!loaded.unused.empty()) problem += ", but " + list_text(loaded.unused);
    return fail(first.path + " does not fit this network: " + problem,
                "load(path, skip_mismatch = true), or train --skip-mismatch, starts anew what does not fit");
  }
  std::printf("weights: %s of %s\n", count_text(loaded.weights).c_str(), first.path.c_str());
  print_names("start anew, the file has them in another shape", loaded.different);
  print_names("start anew, the file does not have them", loaded.missing);
  print_names("not used of the file", loaded.unused);
  return {};
}

}  // namespace netc::runtime
