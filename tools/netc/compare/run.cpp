#include "tools/netc/compare/run.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <optional>

#include "runtime/train/values.h"

namespace netc::compare {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::optional<std::string> text_of(const fs::path &path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string field_text(const json &field) {
  if (field.at("kind") == "class") return fmt::format("class[{}]", field.at("classes").get<int64_t>());
  std::string shape;
  for (const json &size : field.at("shape")) shape += (shape.empty() ? "" : ", ") + size.dump();
  return field.at("dtype").get<std::string>() + (shape.empty() ? "" : "[" + shape + "]");
}

std::string network_text(const json &network) {
  std::string text;
  for (const char *ports : {"inputs", "outputs"}) {
    if (*ports == 'o') text += " -> ";
    bool first = true;
    for (const json &field : network.at(ports)) {
      text += std::string(first ? "" : ", ") + field.at("name").get<std::string>() + ": " + field_text(field);
      first = false;
    }
  }
  return text;
}

Result<void> read_history(const fs::path &path, Run &run) {
  std::string text = text_of(path).value_or("");
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    json line = json::parse(text.substr(begin, end - begin), nullptr, false);
    if (!line.is_object()) return fail(fmt::format("{}: line {} is damaged", path.string(), run.history.size() + 1));
    run.history.push_back(std::move(line));
  }
  if (run.history.empty())
    return fail(fmt::format("{} has no epoch to compare", run.path),
                "its training has not come to the end of its first");
  return {};
}

// The last `parts` parts of a path.
std::string end_of(const fs::path &path, size_t parts) {
  fs::path end = path.filename(), rest = path.parent_path();
  for (size_t i = 1; i < parts && rest.has_filename(); ++i, rest = rest.parent_path()) end = rest.filename() / end;
  return end.string();
}

}  // namespace

std::string Run::status() const { return result.is_object() ? result.value("status", "unfinished") : "unfinished"; }

double Run::value(const std::string &column, size_t epoch) const {
  if (epoch < 1 || epoch > history.size() || !history[epoch - 1].contains(column)) return NAN;
  return runtime::number_from_json(history[epoch - 1][column]);
}

size_t Run::best_epoch() const {
  if (result.is_object() && result.value("best_epoch", 0) > 0)
    return std::min<size_t>(history.size(), result["best_epoch"]);
  std::string monitor = history[0].contains("val_loss") ? "val_loss" : "loss";
  size_t best = 1;
  for (size_t epoch = 2; epoch <= history.size(); ++epoch)
    if (value(monitor, epoch) < value(monitor, best)) best = epoch;
  return best;
}

Result<Run> read_run(const fs::path &folder) try {
  Run run;
  run.path = folder.string();
  std::error_code code;
  if (!fs::is_directory(folder, code))
    return fail(fmt::format("{} is no folder", run.path), "a run directory such as runs/digits-001");
  auto text = text_of(folder / "config.json");
  if (!text)
    return fail(fmt::format("{} is no run: it has no config.json", run.path),
                "a run directory is what ./model train makes");
  json config = json::parse(*text, nullptr, false);
  if (!config.is_object()) return fail(fmt::format("{} is damaged", (folder / "config.json").string()));
  run.network = network_text(config.at("network"));
  const json &rows = config.at("configuration");
  for (size_t i = 0; i + 2 < rows.size(); i += 3)
    run.configuration.emplace_back(rows[i].get<std::string>(), rows[i + 1].get<std::string>());
  run.source = text_of(folder / "source.net").value_or("");
  run.result = json::parse(text_of(folder / "result.json").value_or(""), nullptr, false);
  if (auto read = read_history(folder / "history.jsonl", run); !read) return tl::unexpected(read.error());
  return run;
} catch (const json::exception &) {
  return fail(fmt::format("{} is no run of this version of netc", (folder / "config.json").string()), "train it again");
}

Result<void> check_comparable(std::vector<Run> &runs) {
  for (size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].network != runs[0].network)
      return fail(fmt::format("{} is a run of another network: {} of {}, {} of {}", runs[i].path, runs[i].network,
                              runs[i].path, runs[0].network, runs[0].path),
                  "runs are comparable when their networks have the same inputs and outputs");
    std::error_code code;
    for (size_t k = 0; k < i; ++k)
      if (fs::equivalent(runs[i].path, runs[k].path, code)) return fail(fmt::format("{} is given twice", runs[i].path));
  }
  for (Run &run : runs) {
    fs::path path = fs::absolute(run.path).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    for (size_t parts = 1; parts < 8; ++parts) {
      run.name = end_of(path, parts);
      size_t same = 0;
      for (const Run &other : runs) {
        fs::path theirs = fs::absolute(other.path).lexically_normal();
        same += end_of(theirs.has_filename() ? theirs : theirs.parent_path(), parts) == run.name;
      }
      if (same == 1) break;
    }
  }
  return {};
}

}  // namespace netc::compare
