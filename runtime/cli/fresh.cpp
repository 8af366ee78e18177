#include "runtime/cli/fresh.h"

#include <cstdio>

#include "runtime/data/batches.h"

namespace netc::runtime {

OrFailure<DataSets> load_training_data(const Session &session, const Settings &settings,
                                       std::optional<Preparation> preparation) {
  auto data =
      load_data(settings.metadata, session.modules,
                {settings.data_root.value, settings.seed.value, true, std::move(preparation), settings.sample.value});
  if (!data) return failure(data.error(), kBadData);
  if (data->train.empty()) return failure({"there is no training data", ""}, kBadData);
  for (const std::string &warning : data->warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  return std::move(*data);
}

OrFailure<void> start_anew(Session &session, const FirstWeights &first) {
  if (auto done = initialise(session.program); !done) return done;
  if (first.path.empty()) return {};
  if (auto taken = take_weights(session.program, first); !taken) return failure(taken.error(), kBadData);
  return {};
}

OrFailure<Fresh> open_fresh(Session &session, const Arguments &arguments) {
  auto overrides = overrides_of(arguments);
  if (!overrides) return failure(overrides.error(), kUsage);
  auto settings = resolve_settings(session.program, *overrides);
  if (!settings) return failure(settings.error(), kUsage);
  if (!session.program.function("train_step")) return failure({"this program has no section train", ""}, kUsage);
  auto data = load_training_data(session, *settings, std::nullopt);
  if (!data) return tl::unexpected(data.error());
  Program &program = session.program;
  settings->apply(program);
  auto steps = (data->train.size() + settings->batch_size.value - 1) / settings->batch_size.value;
  program.set_scalar("steps_per_epoch", static_cast<double>(steps));
  program.set_scalar("total_steps", static_cast<double>(steps * settings->epochs.value));
  FirstWeights first = first_weights(arguments, settings->metadata);
  Fresh fresh{std::move(*settings), std::move(*data), std::move(first)};
  if (auto done = start_anew(session, fresh.first); !done) return tl::unexpected(done.error());
  return fresh;
}

}  // namespace netc::runtime
