#include "runtime/cli/train_folds.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/cli/session.h"
#include "runtime/data/split.h"
#include "runtime/io/file.h"
#include "runtime/io/json.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

std::string folder_of_fold(const std::string &run, int64_t fold) { return run + "/fold-" + std::to_string(fold); }

// What the training of a fold came to: the figures of history.jsonl at its best epoch.
Result<json> figures_of_fold(const std::string &folder) {
  auto text = read_file(folder + "/result.json");
  if (!text) return tl::unexpected(text.error());
  json result = parse_json(*text);
  auto lines = read_file(folder + "/history.jsonl");
  if (!lines) return tl::unexpected(lines.error());
  int64_t best = result.is_object() ? result.value("best_epoch", int64_t{0}) : 0;
  size_t begin = 0;
  for (int64_t epoch = 1; epoch < best && begin != std::string::npos; ++epoch) {
    begin = lines->find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  json line = begin < lines->size() ? parse_json(lines->substr(begin, lines->find('\n', begin) - begin)) : json();
  if (best < 1 || !line.is_object()) return fail(folder + ": its history is damaged");
  json figures = {{"epoch", best}};
  for (const auto &[name, value] : line.items())
    if (name.starts_with("val_") && name != "val_penalty" && value.is_number()) figures[name] = value;
  return figures;
}

// The mean and the standard deviation (of a sample: n - 1) of each figure, and a table of all.
Result<void> summarise(const std::string &run, const std::vector<json> &folds) {
  json mean = json::object(), deviation = json::object();
  std::string head = "fold   epoch", means = "mean        ", deviations = "deviation   ";
  std::vector<std::string> lines;
  for (size_t i = 0; i < folds.size(); ++i)
    lines.push_back(format("%-6zu %5lld", i + 1, static_cast<long long>(folds[i].value("epoch", int64_t{0}))));
  auto n = static_cast<double>(folds.size());
  for (const auto &item : folds[0].items()) {
    const std::string &name = item.key();
    if (name == "epoch") continue;
    double sum = 0, squares = 0;
    for (const json &fold : folds) sum += fold.value(name, NAN);
    for (const json &fold : folds) squares += std::pow(fold.value(name, NAN) - sum / n, 2);
    mean[name] = sum / n;
    deviation[name] = std::sqrt(squares / (n - 1));
    int width = static_cast<int>(std::max<size_t>(name.size(), 9)) + 2;
    head += format("%*s", width, name.c_str());
    for (size_t i = 0; i < folds.size(); ++i)
      lines[i] += format("%*s", width, short_number(folds[i].value(name, NAN)).c_str());
    means += format("%*s", width, short_number(sum / n).c_str());
    deviations += format("%*s", width, short_number(deviation[name].get<double>()).c_str());
  }
  std::printf("%s\n", head.c_str());
  for (const std::string &line : lines) std::printf("%s\n", line.c_str());
  std::printf("%s\n%s\nrun directory: %s\n", means.c_str(), deviations.c_str(), run.c_str());
  json all = {{"folds", folds}, {"mean", mean}, {"deviation", deviation}};
  return write_file_atomically(run + "/folds.json", all.dump(2) + "\n");
}

Result<RunDirectory> open_run(const Program &program, const Settings &settings, const Arguments &arguments,
                              int64_t folds) {
  if (arguments.has("--resume")) return RunDirectory::open(arguments.text("--resume"));
  auto run = RunDirectory::create(program.name(), arguments.text("--run"));
  if (!run) return run;
  for (int64_t fold = folds; fold > 0; --fold) {  // the first comes last: holds_folds() looks for it
    auto own = RunDirectory::create(program.name(), folder_of_fold(run->path(), fold));
    if (!own) return own;
    Settings of_fold = settings;
    of_fold.fold = fold;
    FirstWeights first = first_weights(arguments, settings.metadata);
    if (auto written = write_configuration(*own, of_fold, first); !written) return tl::unexpected(written.error());
  }
  json config = settings.to_json();
  config["folds"] = folds;
  auto written = write_file_atomically(run->file("config.json"),
                                       config.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  if (!written) return tl::unexpected(written.error());
  return run;
}

}  // namespace

int train_folds(const nc_program_t &source, const std::string &call, const Arguments &arguments,
                int (*train_once)(const nc_program_t &, const std::string &, const Arguments &)) {
  auto opened = open_settings(source, arguments);
  if (!opened) return report_error(call, opened.error().error, opened.error().code);
  auto folds = fold_count(opened->settings.metadata["data"].value("validation", json()));
  if (!folds) return report_error(call, folds.error(), kBadData);
  auto run = open_run(opened->program, opened->settings, arguments, *folds);
  if (!run) return report_error(call, run.error(), kUsage);

  std::vector<json> figures;
  for (int64_t fold = 1; fold <= *folds; ++fold) {
    std::string folder = folder_of_fold(run->path(), fold);
    auto text = read_file(folder + "/result.json");
    json result = text ? parse_json(*text) : json();
    if (!result.is_object() || result.value("status", "") != "finished") {
      std::printf("fold %lld of %lld\n", static_cast<long long>(fold), static_cast<long long>(*folds));
      std::fflush(stdout);
      Arguments of_fold = arguments;
      for (const char *option : {"--run", "--from", "--skip-mismatch", "--resume"}) of_fold.remove(option);
      of_fold.add("--resume", folder);
      if (int code = train_once(source, call, of_fold); code != kDone) {
        if (code > 128) std::printf("all folds go on with: %s train --resume %s\n", call.c_str(), run->path().c_str());
        return code;
      }
    }
    auto of_fold = figures_of_fold(folder);
    if (!of_fold) return report_error(call, of_fold.error(), kFailed);
    figures.push_back(std::move(*of_fold));
  }
  if (auto done = summarise(run->path(), figures); !done) return report_error(call, done.error(), kFailed);
  return kDone;
}

}  // namespace netc::runtime
