#include "runtime/train/loop.h"

#include <chrono>
#include <cmath>

#include "runtime/cli/text.h"
#include "runtime/io/file.h"
#include "runtime/io/json.h"
#include "runtime/train/interrupt.h"

namespace netc::runtime {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

constexpr double kLeastSecondsBetweenSaves = 1;
constexpr size_t kLargestCopy = size_t{1} << 28;

// At most so many lines of a file, each with its end; none when there is no such file.
std::vector<std::string> lines_of(const std::string &path, size_t most) {
  std::vector<std::string> lines;
  auto text = most > 0 ? read_file(path) : fail("");
  if (!text) return lines;
  for (size_t begin = 0, end; lines.size() < most && (end = text->find('\n', begin)) != std::string::npos;
       begin = end + 1)
    lines.push_back(text->substr(begin, end + 1 - begin));
  return lines;
}

// The lines of history.jsonl of the epochs in `history`; a line that was lost or damaged is made without its times.
std::vector<std::string> known_lines(const std::string &path, const History &history) {
  std::vector<std::string> lines = lines_of(path, history.epochs.size());
  lines.resize(history.epochs.size());
  for (size_t epoch = 0; epoch < lines.size(); ++epoch) {
    nlohmann::json line = parse_json(lines[epoch]);
    bool sound = line.is_object() && line.contains("epoch") && line["epoch"] == epoch + 1;
    if (!sound) lines[epoch] = history_line(history, epoch, 0, 0);
  }
  return lines;
}

bool finite_values(const char *data, const Weight &weight) {
  if (weight.dtype != "f32") return true;
  const auto *values = reinterpret_cast<const float *>(data);
  for (int64_t i = 0; i < weight.elements; ++i) {
    if (!std::isfinite(values[i])) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> TrainingLoop::history_columns(const Program &program, bool validation) {
  std::vector<std::string> names = measured_names(program), columns = names;
  if (validation) {
    for (const std::string &name : names) columns.push_back("val_" + name);
  }
  if (program.function("learning_rate")) columns.push_back("learning_rate");
  return columns;
}

TrainingLoop::TrainingLoop(Program &program, const Settings &settings, const DataSets &data, const RunDirectory &run,
                           Callbacks callbacks, TrainingState state, CheckpointInterval interval, Progress &progress,
                           Report &report)
    : program_(program),
      settings_(settings),
      run_(run),
      callbacks_(std::move(callbacks)),
      state_(std::move(state)),
      interval_(interval),
      progress_(progress),
      report_(report),
      train_step_(program.function("train_step")),
      config_(settings.to_json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)),
      preparation_(netc::runtime::to_json(data.preparation).dump()),
      names_(measured_names(program)),
      training_(data.train,
                {settings.batch_size.value, settings.shuffle, settings.seed.value, data.augmentation, true}),
      diagnosis_(program, data.train, settings.batch_size.value),
      samples_(data.train.size()) {
  if (!data.validation.empty()) validation_.emplace(data.validation, BatchOptions{settings.batch_size.value});
  if (callbacks_.tensorboard()) events_.emplace(run.path());
  lines_ = known_lines(run.file("history.jsonl"), state_.history);
  diagnoses_ = lines_of(run.file("diagnostics.jsonl"), state_.history.epochs.size());
  auto steps = static_cast<double>(training_.batches_per_epoch());
  program.set_scalar("steps_per_epoch", steps);
  program.set_scalar("total_steps", steps * static_cast<double>(settings.epochs.value));
}

Result<Ending> TrainingLoop::run() {
  Ending ending;
  last_save_ = now();
  last_save_step_ = state_.step;
  // A process that was killed may have left a history that is older than its state.
  if (auto written = write_history(); !written) return tl::unexpected(written.error());
  while (!is_over() && !is_paused()) {
    program_.set_scalar("learning_rate_scale", state_.learning_rate_scale);
    auto trained = train_epoch(ending);
    if (!trained) return tl::unexpected(trained.error());
    if (!*trained) return close(ending);
    auto ended = end_epoch(ending);
    if (!ended) return tl::unexpected(ended.error());
    if (!*ended) return close(ending);
  }
  ending.reason = state_.stopped;
  if (is_paused()) ending.outcome = Outcome::paused;
  return ending;
}

// After divergence the last state on the disk stays the one before; what was good is written.
Result<Ending> TrainingLoop::close(const Ending &ending) {
  if (ending.outcome == Outcome::diverged) {
    if (auto written = write_kept(); !written) return tl::unexpected(written.error());
    if (auto written = write_history(); !written) return tl::unexpected(written.error());
  }
  return ending;
}

// The rest of the current epoch. False: the training ends here, `ending` says how.
Result<bool> TrainingLoop::train_epoch(Ending &ending) {
  epoch_begin_ = now();
  epoch_first_batch_ = state_.batch;
  if (state_.batch < training_.batches_per_epoch()) {
    training_.start(static_cast<uint32_t>(state_.epoch), state_.batch);
    std::optional<Results> results;
    int64_t results_batch = -1;
    for (;;) {
      auto next = training_.next();
      if (!next) return tl::unexpected(next.error());
      const Batch *batch = *next;
      if (!batch) break;
      if (batch->size != results_batch) results.emplace(*train_step_, batch->size);
      results_batch = batch->size;
      program_.set_step(state_.step);
      auto done = program_.call(*train_step_, batch->arguments, results->pointers(), batch->size);
      if (!done) return tl::unexpected(done.error());
      state_.sums.add(*results, batch->size);
      ++state_.step;
      ++state_.batch;
      if (callbacks_.terminate_on_nan() && !std::isfinite(results->value(0) + results->value(1))) {
        ending = {Outcome::diverged,
                  format("the loss of step %lld is not finite", static_cast<long long>(state_.step - 1))};
        return false;
      }
      progress_.update([this] { return progress_line(); });
      if (interrupted() || checkpoint_due()) {
        if (auto saved = save(); !saved) return tl::unexpected(saved.error());
      }
      if (interrupted()) {
        ending.outcome = Outcome::interrupted;
        return false;
      }
    }
  }
  training_seconds_ = now() - epoch_begin_;
  return true;
}

// Validation, history, callbacks, checkpoints. False: as above.
Result<bool> TrainingLoop::end_epoch(Ending &ending) {
  auto values = measured_values(program_, state_.sums);
  if (!values) return tl::unexpected(values.error());
  if (!std::isfinite(values->front()) && !weights_are_finite()) {
    ending = {Outcome::diverged,
              format("the weights are not finite any more in epoch %lld", static_cast<long long>(state_.epoch + 1))};
    return false;
  }
  if (validation_) {
    AveragedWeights averaged(program_, callbacks_.measures_averages());
    auto measured = evaluate_all(program_, *validation_, [](int64_t) { return interrupted() == 0; });
    if (!measured) return tl::unexpected(measured.error());
    if (!*measured) {  // the epoch is resumed after its last step
      averaged.end();
      if (auto saved = save(); !saved) return tl::unexpected(saved.error());
      ending.outcome = Outcome::interrupted;
      return false;
    }
    values->insert(values->end(), (*measured)->begin(), (*measured)->end());
  }
  std::string text = measured_text(state_.history.columns, *values);
  if (values->size() < state_.history.columns.size()) {
    auto rate = learning_rate();
    if (!rate) return tl::unexpected(rate.error());
    values->push_back(*rate);
  }
  state_.history.epochs.push_back(*values);
  double samples = static_cast<double>(samples_) - static_cast<double>(epoch_first_batch_ * settings_.batch_size.value);
  double rate = samples > 0 ? samples / std::max(training_seconds_, 1e-9) : 0;
  double seconds = now() - epoch_begin_;

  if (callbacks_.time_limit()) state_.elapsed += seconds;
  if (auto done = diagnose(); !done) return tl::unexpected(done.error());
  EpochActions actions = callbacks_.epoch_end(state_.history, state_.learning_rate_scale, state_.elapsed);
  state_.learning_rate_scale *= actions.learning_rate_factor;
  state_.stopped = actions.stop;
  ++state_.epoch;
  state_.batch = 0;
  state_.sums = {};
  for (const std::string &file : actions.save) {
    if (auto kept = keep(file, callbacks_.keeps_averages()); !kept) return tl::unexpected(kept.error());
  }
  if (is_over() && program_.has_averages()) {
    if (auto kept = keep("averaged.safetensors", true); !kept) return tl::unexpected(kept.error());
  }
  lines_.push_back(history_line(state_.history, state_.history.epochs.size() - 1, seconds, rate));
  if (report_.look_is_due()) {
    AveragedWeights averaged(program_, callbacks_.measures_averages());
    if (auto looked = report_.look(state_.epoch); !looked) return tl::unexpected(looked.error());
  }
  if (is_over() || is_paused() || now() - last_save_ >= kLeastSecondsBetweenSaves) {
    if (auto saved = save(); !saved) return tl::unexpected(saved.error());
  }
  progress_.print(format("epoch %lld/%lld: %s  %s  %s", static_cast<long long>(state_.epoch),
                         static_cast<long long>(settings_.epochs.value), text.c_str(), duration_text(seconds).c_str(),
                         rate_text(rate).c_str()));
  return true;
}

// Of the last step.
Result<double> TrainingLoop::learning_rate() {
  const Function &function = *program_.function("learning_rate");
  Results results(function, 1);
  program_.set_step(state_.step - 1);
  auto called = program_.call(function, {}, results.pointers(), 1);
  if (!called) return tl::unexpected(called.error());
  return results.value(0);
}

Strings TrainingLoop::strings() const {
  return {{"netc.program", program_.name()},
          {"netc.config", config_},
          {"netc.preparation", preparation_},
          {"netc.epoch", std::to_string(state_.history.epochs.size())}};
}

// Keeps the weights as they are now, or their averages, for `file`. Large ones are written at once rather than copied.
Result<void> TrainingLoop::keep(const std::string &file, bool averages) {
  AveragedWeights averaged(program_, averages);
  std::span<const char> block = program_.weight_block();
  if (block.size() > kLargestCopy) return save_weights(program_, block.data(), run_.checkpoint(file), false, strings());
  kept_[file] = {strings(), {block.begin(), block.end()}};
  return {};
}

Result<void> TrainingLoop::write_kept() {
  for (const auto &[file, kept] : kept_) {
    auto saved = save_weights(program_, kept.block.data(), run_.checkpoint(file), false, kept.strings);
    if (!saved) return saved;
  }
  kept_.clear();
  return {};
}

Result<void> TrainingLoop::save() {
  if (auto written = write_kept(); !written) return written;
  if (auto written = write_diagnoses(); !written) return written;
  Strings table = strings();
  state_.callbacks = callbacks_.state();
  table["netc.state"] = to_json(state_).dump();
  auto saved = save_weights(program_, program_.weight_block().data(), run_.checkpoint("last.safetensors"), true, table);
  if (!saved) return saved;
  last_save_ = now();
  last_save_step_ = state_.step;
  return write_history();
}

Result<void> TrainingLoop::write_history() {
  if (written_epochs_ == lines_.size()) return {};
  if (auto written = write_file_atomically(run_.file("history.csv"), state_.history.csv()); !written) return written;
  if (events_) {
    if (auto written = events_->write(state_.history); !written) return written;
  }
  std::string text;
  for (const std::string &line : lines_) text += line;
  if (auto written = write_file_atomically(run_.file("history.jsonl"), text); !written) return written;
  written_epochs_ = lines_.size();
  auto reported = report_.write(standing(), {});
  return reported ? Result<void>{} : tl::unexpected(reported.error());
}

Standing TrainingLoop::standing() const {
  return {state_.history, lines_, callbacks_.best().epoch, callbacks_.best().monitor};
}

// With the weights at the end of the epoch, as in its last step.
Result<void> TrainingLoop::diagnose() {
  if (!diagnosis_.possible()) return {};
  auto layers = diagnosis_.run(state_.step - 1);
  if (!layers) return tl::unexpected(layers.error());
  diagnoses_.push_back(diagnosis_line(*layers, state_.history.epochs.size() - 1));
  return {};
}

// Before the state is: a training that is resumed makes the lines of later epochs anew, but no earlier ones.
Result<void> TrainingLoop::write_diagnoses() const {
  if (diagnoses_.empty()) return {};
  std::string text;
  for (const std::string &line : diagnoses_) text += line;
  return write_file_atomically(run_.file("diagnostics.jsonl"), text);
}

bool TrainingLoop::checkpoint_due() const {
  if (state_.batch == training_.batches_per_epoch()) return false;  // the end of the epoch writes one
  if (interval_.steps && state_.step - last_save_step_ >= *interval_.steps) return true;
  return interval_.seconds && now() - last_save_ >= *interval_.seconds;
}

bool TrainingLoop::weights_are_finite() const {
  for (const Weight &weight : program_.weights()) {
    if (!finite_values(program_.weight_data(weight), weight)) return false;
  }
  return true;
}

ProgressLine TrainingLoop::progress_line() {
  ProgressLine line{state_.epoch + 1, settings_.epochs.value, state_.batch, training_.batches_per_epoch(), {}, 0, -1};
  if (auto values = measured_values(program_, state_.sums)) line.measured = measured_text(names_, *values);
  double batches = static_cast<double>(state_.batch - epoch_first_batch_), seconds = now() - epoch_begin_;
  if (seconds > 0.2 && batches > 0) {
    line.samples_per_second = batches * static_cast<double>(settings_.batch_size.value) / seconds;
    double steps = static_cast<double>((line.epochs - state_.epoch) * line.batches - state_.batch);
    line.seconds_left = steps * seconds / batches;
  }
  return line;
}

}  // namespace netc::runtime
