#include "runtime/data/augment/augmentation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/cli/text.h"
#include "runtime/data/arguments.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

constexpr size_t kMostSteps = kChoiceOfMix;

}  // namespace

bool Augmentation::needs_ranges() const {
  return std::any_of(steps.begin(), steps.end(), [](const AugmentStep &step) { return step.change != nullptr; });
}

Result<Augmentation> read_augmentation(const json &value, const Modules &modules) {
  Augmentation augmentation;
  Result<void> done;
  const auto add = [&](const json &call) {
    std::string name = name_of(call);
    const nc_augmentation_module *module = modules.augmentation(name);
    if (!module) {
      done = fail("augment does not know " + in_quotes(name.empty() ? call.dump() : name),
                  "it is flip, translate, rotate, zoom, shear, crop, brightness, contrast, saturation, hue, noise, "
                  "erase, mixup or cutmix");
      return;
    }
    auto step = module->read(call);
    if (!step) {
      done = tl::unexpected(step.error());
      return;
    }
    step->name = module->module.name;
    if (!step->mix && !augmentation.mixes.empty())
      done = fail(format("augment: %s comes last, found %s behind it", augmentation.mixes[0].name, step->name));
    auto &steps = step->mix ? augmentation.mixes : augmentation.steps;
    steps.push_back(*step);
    if (augmentation.steps.size() + augmentation.mixes.size() > kMostSteps)
      done = fail(format("augment has more than %d steps", static_cast<int>(kMostSteps)));
  };
  if (value.is_array()) {
    for (const json &call : value)
      if (done) add(call);
  } else if (!value.is_null()) {
    add(value);
  }
  if (!done) return tl::unexpected(done.error());
  return augmentation;
}

Result<void> check_augmentation(const Augmentation &augmentation, const std::vector<Field> &inputs) {
  const auto is_reals = [](const Field &field) { return !field.is_class && field.dtype == "f32"; };
  const auto is_picture = [&](const Field &field) { return is_reals(field) && field.shape.size() == 3; };
  const auto needs = [&](const AugmentStep &step, const Field &field) -> Result<void> {
    std::string kind =
        !step.pictures ? "numbers f32" : format("pictures f32[height, width, %s]", step.channels ? "3" : "channels");
    return fail(format("augment: %s works on %s, the network has %s: %s", step.name, kind.c_str(), field.name.c_str(),
                       field.is_class ? "class" : shape_text(field.dtype, field.shape).c_str()));
  };
  bool any_picture = false;
  for (const Field &field : inputs) {
    any_picture |= is_picture(field);
    for (const AugmentStep &step : augmentation.steps)
      if (is_picture(field) && step.channels != 0 && step.channels != field.shape[2]) return needs(step, field);
    for (const AugmentStep &step : augmentation.mixes)
      if (step.pictures ? !is_picture(field) : !is_reals(field)) return needs(step, field);
  }
  if (!augmentation.steps.empty() && !any_picture) return needs(augmentation.steps[0], inputs[0]);
  return {};
}

std::pair<const AugmentStep *, Draws> choose_mix(const Augmentation &augmentation, uint64_t seed, uint32_t epoch,
                                                 int64_t sample) {
  Draws choice(seed, epoch, sample, kChoiceOfMix);
  size_t which = static_cast<uint64_t>(choice.word()) * augmentation.mixes.size() >> 32;
  return {&augmentation.mixes[which], Draws(seed, epoch, sample, augmentation.steps.size() + which)};
}

}  // namespace netc::runtime
