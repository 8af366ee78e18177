// flip, translate, crop: moves by whole pixels, which change no value.
#include <cmath>

#include "runtime/data/arguments.h"
#include "runtime/data/augment/arguments.h"
#include "runtime/data/module.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

// flip(horizontal), flip(vertical), flip(both): each direction with a chance of 1/2.
void flip(const AugmentStep &step, Draws &draws, Map &map) {
  uint32_t word = draws.word();
  double y = step.flags[1] && (word & 2) ? -1 : 1, x = step.flags[0] && (word & 1) ? -1 : 1;
  map.then(y, 0, 0, x, 0, 0);
}

Result<AugmentStep> read_flip(const json &call) {
  AugmentStep step{.fills = false, .move = flip};
  std::string which = "horizontal";
  if (const json *given = argument(call, "direction", 0)) which = text_of(*given).value_or(given->dump());
  if (which != "horizontal" && which != "vertical" && which != "both")
    return fail("flip is horizontal, vertical or both, found " + in_quotes(which));
  step.flags[0] = which != "vertical";
  step.flags[1] = which != "horizontal";
  return step;
}

// Uniform among the whole numbers from low to high, rounded.
double whole_number(double low, double high, Draws &draws) {
  int64_t least = std::llround(low), most = std::llround(high);
  return static_cast<double>(
      least +
      static_cast<int64_t>(static_cast<uint64_t>(draws.word()) * static_cast<uint64_t>(most - least + 1) >> 32));
}

// translate(share), translate(height, width): down and right by shares of the size.
void translate(const AugmentStep &step, Draws &draws, Map &map) {
  double height = static_cast<double>(map.height), width = static_cast<double>(map.width);
  double down = whole_number(step.first.low * height, step.first.high * height, draws);
  double right = whole_number(step.second.low * width, step.second.high * width, draws);
  map.then(1, 0, 0, 1, down, right);
}

Result<AugmentStep> read_translate(const json &call) {
  AugmentStep step{.move = translate};
  auto height = amount_argument(call, "height", 0, 1, kRequired, "translate(10%)");
  if (!height) return tl::unexpected(height.error());
  step.first = step.second = *height;
  if (argument(call, "width", 1)) {
    auto width = amount_argument(call, "width", 1, 1, kRequired, "translate(10%, 20%)");
    if (!width) return tl::unexpected(width.error());
    step.second = *width;
  }
  auto fill = fill_argument(call, FillMode::reflect);
  if (!fill) return tl::unexpected(fill.error());
  step.fill = *fill;
  return step;
}

// crop(4): pads by 4 pixels on every side and cuts the picture out of that at a random place.
void crop(const AugmentStep &step, Draws &draws, Map &map) {
  double down = whole_number(step.first.low, step.first.high, draws);
  double right = whole_number(step.first.low, step.first.high, draws);
  map.then(1, 0, 0, 1, down, right);
}

Result<AugmentStep> read_crop(const json &call) {
  AugmentStep step{.move = crop};
  const json *padding = argument(call, "padding", 0);
  if (!padding || !padding->is_number_integer() || padding->get<int64_t>() < 1 || padding->get<int64_t>() > 1 << 16)
    return fail("crop: padding is a number of pixels from 1, found " + (padding ? padding->dump() : "none"),
                "for example crop(4)");
  auto pixels = static_cast<float>(padding->get<int64_t>());
  step.first = {-pixels, pixels};
  auto fill = fill_argument(call, FillMode::constant);
  if (!fill) return tl::unexpected(fill.error());
  step.fill = *fill;
  return step;
}

}  // namespace
}  // namespace netc::runtime

const nc_augmentation_module nc_module_augment_flip = {{"augmentation", "flip"}, netc::runtime::read_flip};
const nc_augmentation_module nc_module_augment_translate = {{"augmentation", "translate"},
                                                            netc::runtime::read_translate};
const nc_augmentation_module nc_module_augment_crop = {{"augmentation", "crop"}, netc::runtime::read_crop};
