#include "runtime/cli/session.h"

#include <charconv>

#include "runtime/train/run_directory.h"

namespace netc::runtime {
namespace {

// 0.2 of "20%" and of "0.2"; none of what is not in (0, 1].
std::optional<double> share_of(std::string text) {
  double scale = text.ends_with('%') ? 0.01 : 1, share = 0;
  if (scale < 1) text.pop_back();
  auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  share *= scale;
  bool valid = error == std::errc() && stop == text.data() + text.size() && share > 0 && share <= 1;
  return valid ? std::optional(share) : std::nullopt;
}

}  // namespace

OrFailure<Session> open_session(const nc_program_t &source, const std::string &call, const Arguments &arguments) {
  auto threads = arguments.integer("--threads", 1);
  if (!threads) return failure(threads.error(), kUsage);
  auto program = Program::open(source);
  if (!program) return failure(program.error(), kFailed);
  if (auto taken = program->allocate_weights(); !taken) return failure(taken.error(), kFailed);
  auto count = static_cast<int>(std::min<int64_t>(threads->value_or(available_cores()), 1024));
  Session session{call, std::move(*program), std::make_unique<ThreadPool>(count),
                  Modules({source.modules, static_cast<size_t>(source.module_count)})};
  session.program.set_pool(session.pool.get());
  return session;
}

Result<Overrides> overrides_of(const Arguments &arguments) {
  Overrides overrides;
  auto epochs = arguments.integer("--epochs", 1);
  if (!epochs) return tl::unexpected(epochs.error());
  overrides.epochs = *epochs;
  auto seed = arguments.integer("--seed", 0, INT64_MAX);
  if (!seed) return tl::unexpected(seed.error());
  if (*seed) overrides.seed = static_cast<uint64_t>(**seed);
  for (const std::string &assignment : arguments.all("--set")) {
    size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) return fail("--set takes name=value, got '" + assignment + "'");
    overrides.set[assignment.substr(0, equals)] = assignment.substr(equals + 1);
  }
  overrides.data_root = arguments.text("--data");
  auto pause = arguments.integer("--pause-after", 1);
  if (!pause) return tl::unexpected(pause.error());
  overrides.pause_after = *pause;
  auto fold = arguments.integer("--fold", 1);
  if (!fold) return tl::unexpected(fold.error());
  overrides.fold = *fold;
  if (arguments.has("--sample")) {
    auto share = share_of(arguments.text("--sample"));
    if (!share)
      return fail("--sample takes a share of the training data, got '" + arguments.text("--sample") + "'",
                  "as in --sample 20%");
    overrides.sample = share;
  }
  return overrides;
}

OrFailure<SetProgram> open_settings(const nc_program_t &source, const Arguments &arguments) {
  auto program = Program::open(source);
  if (!program) return failure(program.error(), kFailed);
  auto overrides = overrides_of(arguments);
  if (!overrides) return failure(overrides.error(), kUsage);
  auto settings = resolve_settings(*program, *overrides);
  if (!settings) return failure(settings.error(), kUsage);
  return SetProgram{std::move(*program), std::move(*settings)};
}

OrFailure<Model> load_model(Session &session, const Arguments &arguments) {
  Model model{arguments.text("--weights"), {}, {}};
  if (model.path.empty()) {
    std::string run = arguments.text("--run");
    if (run.empty()) run = newest_run(session.program.name());
    if (run.empty()) {
      return failure({"there is no trained " + session.program.name() + " in ./runs",
                      "train first: " + session.call + " train, or name the weights: --weights FILE"},
                     kBadData);
    }
    model.path = run + "/checkpoints/best.safetensors";
  }
  auto file = read_safetensors(model.path);
  if (!file) return failure(file.error(), kBadData);
  auto stored = stored_in(*file, model.path, session.program);
  if (!stored) return failure(stored.error(), kBadData);
  Overrides overrides;
  overrides.checkpoint = std::move(stored->config);
  overrides.data_root = arguments.text("--data");
  auto settings = resolve_settings(session.program, overrides);
  if (!settings) return failure(settings.error(), kUsage);
  if (auto loaded = load_all_weights(session.program, *file, model.path, false); !loaded) {
    return failure(loaded.error(), kBadData);
  }
  model.settings = std::move(*settings);
  model.preparation = std::move(stored->preparation);
  model.settings.apply(session.program);
  return model;
}

OrFailure<DataSets> load_model_data(const Session &session, const Model &model, bool train) {
  auto data = load_data(model.settings.metadata, session.modules,
                        {model.settings.data_root.value, model.settings.seed.value, train, model.preparation,
                         model.settings.sample.value});
  if (!data) return failure(data.error(), kBadData);
  return std::move(*data);
}

OrFailure<void> initialise(Program &program) {
  const Function *init = program.function("init");
  if (!init) return failure({"this program has no function init", ""}, kFailed);
  program.set_step(0);
  if (auto done = program.call(*init, {}, {}, 1); !done) return failure(done.error(), kFailed);
  return {};
}

}  // namespace netc::runtime
