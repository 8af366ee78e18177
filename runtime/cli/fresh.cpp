#include "runtime/cli/fresh.h"

#include <cstdio>

#include "runtime/data/batches.h"
#include "runtime/train/run_directory.h"
#include "runtime/train/values.h"

namespace netc::runtime {

using nlohmann::json;

std::string weights_of_file(const json &metadata) {
  if (!metadata.contains("train") || !metadata["train"].is_object()) return {};
  auto value = metadata["train"].find("weights");
  if (value == metadata["train"].end() || name_of(*value) != "load") return {};
  const json *path = argument(*value, "path", 0);
  if (!path || !path->is_string()) return {};
  std::string text = path->get<std::string>();
  return text.starts_with("/") ? text : metadata.value("data_root", ".") + "/" + text;
}

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

OrFailure<void> take_weights(Session &session, const std::string &path) {
  auto file = read_safetensors(path);
  if (!file) return failure(file.error(), kBadData);
  auto loaded = load_weights(session.program, *file, path, false);
  if (!loaded) return failure(loaded.error(), kBadData);
  if (loaded->weights == 0) return failure({path + " has none of this program's weights", ""}, kBadData);
  std::printf("weights: %s of %s\n", count_text(loaded->weights).c_str(), path.c_str());
  for (const std::string &name : loaded->missing) std::printf("  %s starts anew\n", name.c_str());
  for (const std::string &name : loaded->unused) std::printf("  %s is not used\n", name.c_str());
  return {};
}

OrFailure<void> start_anew(Session &session, const Fresh &fresh) {
  if (auto done = initialise(session.program); !done) return done;
  if (fresh.weights.empty()) return {};
  return take_weights(session, fresh.weights);
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
  std::string from = arguments.text("--from");
  if (from.empty()) from = weights_of_file(settings->metadata);
  Fresh fresh{std::move(*settings), std::move(*data), from};
  if (auto done = start_anew(session, fresh); !done) return tl::unexpected(done.error());
  return fresh;
}

}  // namespace netc::runtime
