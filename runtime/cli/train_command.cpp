// train: from the command line to a run directory with the best weights in it.
#include <charconv>
#include <cstdio>

#include "runtime/cli/commands.h"
#include "runtime/cli/first_weights.h"
#include "runtime/cli/fresh.h"
#include "runtime/cli/session.h"
#include "runtime/cli/train_folds.h"
#include "runtime/io/file.h"
#include "runtime/io/json.h"
#include "runtime/report/report.h"
#include "runtime/train/configuration.h"
#include "runtime/train/interrupt.h"
#include "runtime/train/loop.h"
#include "runtime/train/predict.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<CheckpointInterval> parse_interval(const std::string &text) {
  CheckpointInterval interval;
  if (text.empty()) return interval;
  double number = 0;
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(stop, text.data() + text.size());
  unit.erase(0, unit.find_first_not_of(' '));
  auto seconds = seconds_in_unit(unit);
  if (error == std::errc() && number > 0 && !unit.empty()) {
    if (seconds) {
      interval.seconds = number * *seconds;
      return interval;
    }
    if ((unit == "steps" || unit == "step") && number >= 1) {
      return CheckpointInterval{static_cast<int64_t>(number), std::nullopt};
    }
  }
  return fail("--checkpoint-every takes a number of steps or a time, got '" + text + "'",
              "as in '500 steps' or '10 min'");
}

// What is measured, and what is done because of it.
struct Watch {
  std::vector<std::string> columns;  // of the history
  Callbacks callbacks;
};

OrFailure<Watch> watch_of(const Program &program, const Settings &settings, const DataSets &data) {
  json list = settings.metadata["train"].value("callbacks", json::array());
  Watch watch;
  watch.columns = TrainingLoop::history_columns(program, !data.validation.empty());
  auto callbacks = Callbacks::create(list, program.metadata()["metrics"], History{watch.columns, {}});
  if (!callbacks) return failure(callbacks.error(), kUsage);
  watch.callbacks = std::move(*callbacks);
  return watch;
}

// Where a training starts from.
struct Start {
  RunDirectory run;
  Settings settings;
  DataSets data;
  Watch watch;
  std::optional<TrainingState> state;  // of the run that is resumed
  FirstWeights first;
};

}  // namespace

Result<void> write_configuration(const RunDirectory &run, const Settings &settings, const FirstWeights &first) {
  json config = settings.to_json();
  config["from"] = first.path.empty() ? json() : json(first.path);
  config["skip_mismatch"] = first.skip_mismatch;
  config["network"] = settings.metadata.value("network", json());
  JsonText rows;
  write_configuration_rows(rows, settings);
  config["configuration"] = parse_json(rows.text());
  auto written = write_file_atomically(run.file("source.net"), settings.metadata.value("source", ""));
  if (!written) return written;
  return write_file_atomically(run.file("config.json"),
                               config.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

namespace {

OrFailure<Start> start_new(Session &session, const Arguments &arguments, const Overrides &overrides) {
  auto settings = resolve_settings(session.program, overrides);
  if (!settings) return failure(settings.error(), kUsage);
  auto data = load_training_data(session, *settings, std::nullopt);
  if (!data) return tl::unexpected(data.error());
  FirstWeights first = first_weights(arguments, settings->metadata);
  auto watch = watch_of(session.program, *settings, *data);
  if (!watch) return tl::unexpected(watch.error());
  settings->apply(session.program);
  if (auto done = start_anew(session, first); !done) return tl::unexpected(done.error());
  auto run = RunDirectory::create(session.program.name(), arguments.text("--run"));
  if (!run) return failure(run.error(), kFailed);
  if (auto written = write_configuration(*run, *settings, first); !written) return failure(written.error(), kFailed);
  return Start{std::move(*run),   std::move(*settings), std::move(*data),
               std::move(*watch), std::nullopt,         std::move(first)};
}

OrFailure<Start> start_again(Session &session, const Arguments &arguments, Overrides overrides) {
  auto run = RunDirectory::open(arguments.text("--resume"));
  if (!run) return failure(run.error(), kUsage);
  auto text = read_file(run->file("config.json"));
  if (!text) return failure(text.error(), kBadData);
  json config = parse_json(*text);
  if (auto sound = check_stored_configuration(config, session.program); !sound)
    return failure({run->file("config.json") + ": " + sound.error().message, "train anew"}, kBadData);
  FirstWeights first{config["from"].is_string() ? config["from"].get<std::string>() : "",
                     config["skip_mismatch"] == true};
  std::optional<TrainingState> state;
  std::optional<Preparation> preparation;
  std::string path = run->checkpoint("last.safetensors");
  if (file_exists(path)) {
    auto file = read_safetensors(path);
    if (!file) return failure(file.error(), kBadData);
    auto stored = stored_in(*file, path, session.program);
    if (!stored) return failure(stored.error(), kBadData);
    if (!stored->state) return failure({path + " cannot be resumed: it holds no state of a training", ""}, kBadData);
    config = std::move(stored->config);
    preparation = std::move(stored->preparation);
    auto parsed = training_state_from_json(*stored->state);
    if (!parsed) return failure({path + ": " + parsed.error().message, parsed.error().help}, kBadData);
    state = std::move(*parsed);
    if (auto loaded = load_all_weights(session.program, *file, path, true); !loaded) {
      return failure(loaded.error(), kBadData);
    }
  }
  if (config.value("program", "") != session.program.name()) {
    return failure({run->path() + " is a run of the program " + config.value("program", "?"), ""}, kUsage);
  }
  overrides.checkpoint = std::move(config);
  auto settings = resolve_settings(session.program, overrides);
  if (!settings) return failure(settings.error(), kUsage);
  auto data = load_training_data(session, *settings, std::move(preparation));
  if (!data) return tl::unexpected(data.error());
  auto watch = watch_of(session.program, *settings, *data);
  if (!watch) return tl::unexpected(watch.error());
  if (state && watch->columns != state->history.columns) {
    return failure({"the run measured other things than this program does", ""}, kUsage);
  }
  if (state && state->callbacks.is_object() && !watch->callbacks.restore(state->callbacks)) {
    return failure({"the run was made with other callbacks than this program has", ""}, kUsage);
  }
  settings->apply(session.program);
  if (!state) {  // it was killed before its first checkpoint
    if (auto done = start_anew(session, first); !done) return tl::unexpected(done.error());
  }
  return Start{std::move(*run),   std::move(*settings), std::move(*data),
               std::move(*watch), std::move(state),     std::move(first)};
}

void print_start(const Session &session, const Start &start) {
  int64_t trainable = 0, frozen = 0;
  for (const Weight &weight : session.program.weights()) {
    if (weight.role == Role::weight) (weight.trainable ? trainable : frozen) += weight.elements;
  }
  int64_t batch = start.settings.batch_size.value, samples = start.data.train.size();
  std::printf("%s: %s parameters%s, seed %llu, %d thread%s\n", session.program.name().c_str(),
              count_text(trainable + frozen).c_str(),
              frozen ? (" (" + count_text(frozen) + " of them not trained)").c_str() : "",
              static_cast<unsigned long long>(start.settings.seed.value), session.program.threads(),
              session.program.threads() == 1 ? "" : "s");
  std::printf("data: %s training, %s validation, %s test samples; %s steps of %lld an epoch\n",
              count_text(samples).c_str(), count_text(start.data.validation.size()).c_str(),
              count_text(start.data.test.size()).c_str(), count_text((samples + batch - 1) / batch).c_str(),
              static_cast<long long>(batch));
  std::printf("run: %s", start.run.path().c_str());
  if (start.state) {
    std::printf(", resumed after step %s of epoch %lld", count_text(start.state->batch).c_str(),
                static_cast<long long>(start.state->epoch + 1));
  }
  std::printf("\n");
  std::fflush(stdout);
}

// "sample 72: 7 (99.2 %), is 7" for a few samples from all over a set, when the network has one output and that is a
// class.
Result<void> print_samples(Session &session, const Start &start, const Dataset &dataset) {
  constexpr size_t kSamples = 5;
  auto interface = network_interface(start.settings.metadata);
  if (!interface || interface->outputs.size() != 1 || !interface->outputs[0].is_class) return {};
  Dataset few = dataset;
  size_t count = std::min(dataset.rows.size(), kSamples);
  few.rows.clear();
  for (size_t i = 0; i < count; ++i) few.rows.push_back(dataset.rows[i * dataset.rows.size() / count]);
  const auto &targets = few.samples->targets;
  const auto *classes = targets.size() == 1 ? std::get_if<std::vector<int32_t>>(&targets[0].values) : nullptr;
  const Schema &schema = start.data.preparation.schema;
  return predict_all(session.program, *interface, few, static_cast<int64_t>(kSamples),
                     [&](int64_t sample, const std::vector<Prediction> &outputs) {
                       int64_t best = top_classes(outputs[0].values, 1)[0];
                       auto position = static_cast<size_t>(sample) * dataset.rows.size() / count;
                       std::printf("  sample %zu: %s (%.1f %%)", position, class_name(schema, best).c_str(),
                                   100 * outputs[0].values[best]);
                       if (classes) std::printf(", is %s", class_name(schema, (*classes)[few.rows[sample]]).c_str());
                       std::printf("\n");
                     });
}

// The first words of the reading, and where to read on.
void print_reading(const std::vector<Finding> &findings, const std::string &path) {
  constexpr size_t kMost = 2;
  for (size_t i = 0; i < std::min(findings.size(), kMost); ++i) {
    const Finding &finding = findings[i];
    std::printf("%s%s\n", i ? "         " : "reading: ", finding.text.c_str());
    if (finding.advice.empty() || finding.level < Level::warning) continue;
    const Advice &first = finding.advice.front();
    std::printf("         try: %s%s%s\n", first.text, first.line.empty() ? "" : ": ", first.line.c_str());
  }
  std::printf("report: %s\n", path.c_str());
}

// Writes the report of a training that has ended, and says what it says.
Result<void> end_report(Report &report, const TrainingLoop &loop, const Start &start, const RunEnd &end) {
  auto findings = report.write(loop.standing(), end);
  if (!findings) return tl::unexpected(findings.error());
  if (end.status != RunStatus::interrupted) print_reading(findings->list(), start.run.file("report.html"));
  return {};
}

// Loads a checkpoint of the run and measures it on the test set. `whose` says which weights these are. The values are
// those of measured_names(); none without a test set.
OrFailure<std::vector<double>> print_test(Session &session, const Start &start, const std::string &file,
                                          const std::string &whose) {
  std::string path = start.run.checkpoint(file);
  auto content = read_safetensors(path);
  if (!content) return failure(content.error(), kFailed);
  if (auto loaded = load_all_weights(session.program, *content, path, false); !loaded) {
    return failure(loaded.error(), kFailed);
  }
  if (start.data.test.empty()) return std::vector<double>{};
  Batches batches(start.data.test, {.batch_size = start.settings.batch_size.value});
  auto values = evaluate_all(session.program, batches);
  if (!values) return failure(values.error(), kFailed);
  std::printf("test: %s  (%s)\n", measured_text(measured_names(session.program), **values).c_str(), whose.c_str());
  return std::move(**values);
}

// Measures the weights that the training ends with; the values are those of print_test.
OrFailure<std::vector<double>> print_result(Session &session, const Start &start, const Callbacks &callbacks) {
  std::vector<double> measured;
  if (session.program.has_averages() && file_exists(start.run.checkpoint("averaged.safetensors"))) {
    auto printed = print_test(session, start, "averaged.safetensors", "averaged weights of the last epoch");
    if (!printed) return printed;
  }
  if (callbacks.result_epoch() >= 0) {
    auto printed = print_test(session, start, callbacks.result_file(),
                              format("weights of epoch %lld", static_cast<long long>(callbacks.result_epoch() + 1)));
    if (!printed) return printed;
    measured = std::move(*printed);
  }
  const Dataset &shown = start.data.test.empty() ? start.data.validation : start.data.test;
  if (!shown.empty()) {
    if (auto printed = print_samples(session, start, shown); !printed) return failure(printed.error(), kFailed);
  }
  return measured;
}

OrFailure<int> train(Session &session, const Arguments &arguments) {
  auto overrides = overrides_of(arguments);
  if (!overrides) return failure(overrides.error(), kUsage);
  auto interval = parse_interval(arguments.text("--checkpoint-every"));
  if (!interval) return failure(interval.error(), kUsage);
  bool resume = arguments.has("--resume");
  if (resume && (arguments.has("--from") || arguments.has("--skip-mismatch") || arguments.has("--run"))) {
    return failure({"--resume continues a run as it is: --from, --skip-mismatch and --run do not go with it", ""},
                   kUsage);
  }
  const json &metadata = session.program.metadata();
  bool trains = session.program.function("train_step") && metadata.contains("train") && metadata["train"].is_object();
  if (!trains) return failure({"this program has no section train", ""}, kUsage);
  auto start =
      resume ? start_again(session, arguments, std::move(*overrides)) : start_new(session, arguments, *overrides);
  if (!start) return tl::unexpected(start.error());

  Program &program = session.program;
  TrainingState state = start->state.value_or(TrainingState{});
  state.history.columns = start->watch.columns;
  print_start(session, *start);
  if (start->state && (state.epoch >= start->settings.epochs.value || !state.stopped.empty())) {
    std::printf("this run is over: %lld epochs%s%s\n", static_cast<long long>(state.epoch),
                state.stopped.empty() ? "" : ", ", state.stopped.c_str());
  }

  watch_interrupts();
  Progress progress(stdout);
  Report report(start->run, program, start->settings, start->data);
  TrainingLoop loop(program, start->settings, start->data, start->run, std::move(start->watch.callbacks),
                    std::move(state), *interval, progress, report);
  auto ending = loop.run();
  if (!ending) return failure(ending.error(), kFailed);
  std::string where = start->run.path();
  if (ending->outcome == Outcome::interrupted) {
    auto written = end_report(report, loop, *start, {RunStatus::interrupted, "", {}});
    if (!written) return failure(written.error(), kFailed);
    progress.print("interrupted and saved; continue with: " + session.call + " train --resume " + where);
    return 128 + interrupted();
  }
  if (ending->outcome == Outcome::diverged) {
    auto written = end_report(report, loop, *start, {RunStatus::diverged, ending->reason, {}});
    if (!written) return failure(written.error(), kFailed);
    return failure(
        {"training has diverged: " + ending->reason,
         "a smaller learning rate, a warm-up or clipping of the gradients may help; the run directory is " + where},
        kDiverged);
  }
  if (ending->outcome == Outcome::paused) {
    auto written = end_report(report, loop, *start, {RunStatus::interrupted, "", {}});
    if (!written) return failure(written.error(), kFailed);
    progress.print(format("paused after epoch %lld; continue with: ", static_cast<long long>(loop.state().epoch)) +
                   session.call + " train --resume " + where);
    return kDone;
  }
  if (!ending->reason.empty()) progress.print(ending->reason);
  auto measured = print_result(session, *start, loop.callbacks());
  if (!measured) return tl::unexpected(measured.error());
  auto looked = report.look(loop.callbacks().result_epoch() + 1);
  if (!looked) return failure(looked.error(), kFailed);
  auto written = end_report(report, loop, *start, {RunStatus::finished, ending->reason, std::move(*measured)});
  if (!written) return failure(written.error(), kFailed);
  progress.print("run directory: " + where);
  return kDone;
}

}  // namespace

namespace {

int train_once(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  auto session = open_session(program, call, arguments);
  if (!session) return report_error(call, session.error().error, session.error().code);
  auto code = train(*session, arguments);
  return code ? *code : report_error(call, code.error().error, code.error().code);
}

}  // namespace

int train_command(const nc_program_t &program, const std::string &call, const Arguments &arguments) {
  Modules modules({program.modules, static_cast<size_t>(program.module_count)});
  // A fold on its own is resumed on its own.
  bool one_fold = arguments.has("--fold") || (arguments.has("--resume") && !holds_folds(arguments.text("--resume")));
  if (const nc_folds_module *folds = modules.folds(); folds && !one_fold)
    return folds->train(program, call, arguments, train_once);
  return train_once(program, call, arguments);
}

}  // namespace netc::runtime
