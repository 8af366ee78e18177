#include "tools/netc/tune/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <iostream>
#include <thread>

#include "tools/netc/tune/best_file.h"
#include "tools/netc/tune/conclusion.h"
#include "tools/netc/tune/display.h"
#include "tools/netc/tune/fingerprint.h"
#include "tools/netc/tune/options.h"
#include "tools/netc/tune/report.h"
#include "tools/netc/tune/space_check.h"
#include "tools/netc/tune/tuner.h"

namespace netc::tune {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

int complain(const Error &error, int code) {
  fmt::print(stderr, "netc tune: error: {}\n", error.message);
  if (!error.help.empty()) fmt::print(stderr, "help: {}\n", error.help);
  return code;
}

int64_t memory_bytes() {
  return static_cast<int64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<int64_t>(sysconf(_SC_PAGESIZE));
}

// How many trials at once, and the threads of each: all cores are used, and memory is not used up.
TunerSettings share_out(const CommandLine &line, int64_t largest_bytes) {
  int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  int64_t jobs = line.jobs.value_or(
      std::max<int64_t>(1, std::min<int64_t>(cores, memory_bytes() / std::max<int64_t>(largest_bytes, 1))));
  return {static_cast<int>(jobs), std::max(1, cores / static_cast<int>(jobs)), line.data_root};
}

std::string plural(int64_t count, const char *what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string heading(const fs::path &file, const StudySettings &settings, const Tuner &tuner, const Study &study,
                    const TunerSettings &limits) {
  std::string text =
      fmt::format("{}: {} of {}, {}, {}{}; {} at once, {} each\nstudy: {}", file.filename().string(),
                  plural(tuner.plan().total, "trial"), method_name(settings.search.method), settings.objective.text(),
                  plural(settings.search.epochs, "epoch"),
                  settings.sample < 1 ? fmt::format(" on {:.4g} % of the training data", 100 * settings.sample) : "",
                  limits.jobs, plural(limits.threads, "thread"), study.folder().string());
  if (study.existed())
    text += fmt::format(", goes on: {} known", plural(static_cast<int64_t>(study.records().size()), "trial"));
  text += "\n";
  for (const std::string &note : study.notes()) text += "note: " + note + "\n";
  return text;
}

}  // namespace

int tune_command(int argc, char **argv) {
  CommandLine line;
  if (int code = parse_command_line(argc, argv, line); code >= 0) return code;
  Elaborated file = elaborate_with(line.file, line.fixed);
  if (!file.diagnostics.all().empty()) std::cerr << render_text(file.diagnostics, *file.sources, false);
  if (!file.program) return 1;
  const json &metadata = *file.program->metadata;
  auto settings = study_settings(line, metadata);
  if (!settings) return complain(settings.error(), 2);
  Space space = space_of(metadata["parameters"], line.fixed);
  Configurator configurator(line.file, line.fixed);
  SpaceReport report = check_space(configurator, space, memory_bytes());
  if (!report.errors.empty()) {
    std::cerr << report.errors;
    return 1;
  }
  fs::path folder = line.study.empty() ? fs::path("studies") / line.file.stem() : line.study;
  std::string data_root = line.data_root.empty() ? metadata["data_root"].get<std::string>() : line.data_root;
  auto print_of = fingerprint(line.file, metadata, data_root, Study::stored_fingerprint(folder));
  if (!print_of) return complain(print_of.error(), 1);
  auto study = Study::open(folder, *settings, *print_of, line.continue_anyway);
  if (!study) return complain(study.error(), 2);
  extent_of(settings->search) = study->extent();
  auto search = Search::create(space, settings->search);
  if (!search) return complain(search.error(), 2);
  TunerSettings limits = share_out(line, report.largest_bytes);
  Tuner tuner(*study, *settings, *search, configurator, limits);
  fmt::print("{}", heading(line.file, *settings, tuner, *study, limits));
  std::fflush(stdout);
  Display display(stdout, tuner, *search, settings->objective);
  TunerEvents events{[&](size_t trial) { display.ended(trial); }, [&] { display.tick(); }};
  auto ending = tuner.run(events);
  display.clear();
  if (!ending) return complain(ending.error(), 1);
  if (*ending == TunerEnding::interrupted) {
    fmt::print("interrupted and saved; the same command goes on\n");
    return 130;
  }
  bool has_test = metadata["data"].is_object() && !metadata["data"].value("test", json()).is_null();
  Conclusion conclusion = conclude(tuner, *search, has_test);
  fmt::print("{}", summary(conclusion, tuner, *search, settings->objective));
  if (!conclusion.best) return 4;
  auto written = write_best_file(line.file, tuner.trials()[*conclusion.best].values, folder);
  if (!written) return complain(written.error(), 1);
  if (auto told = write_report(*study, *settings, tuner, *search, conclusion); !told) return complain(told.error(), 1);
  fmt::print("the best file: {}\nthe report: {}\n", (folder / "best.net").string(), (folder / "tune.html").string());
  return 0;
}

}  // namespace netc::tune
