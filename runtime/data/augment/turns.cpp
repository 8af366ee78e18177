// rotate, zoom, shear: moves about the centre that interpolate. The maps are those of Keras 3's RandomRotation,
// RandomZoom and RandomShear; the last shears about the top left corner there, here about the centre.
#include <cmath>

#include "runtime/data/augment/arguments.h"
#include "runtime/data/module.h"
#include "runtime/train/values.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<AugmentStep> with_fill(const json &call, AugmentStep step) {
  auto fill = fill_argument(call, FillMode::reflect);
  if (!fill) return tl::unexpected(fill.error());
  step.fill = *fill;
  step.resample = resample;
  return step;
}

// A positive angle turns counter-clockwise.
void rotate(const AugmentStep &step, Draws &draws, Map &map) {
  double angle = step.first.draw(draws) * (3.14159265358979323846 / 180);
  map.then(std::cos(angle), std::sin(angle), -std::sin(angle), std::cos(angle), 0, 0);
}

Result<AugmentStep> read_rotate(const json &call) {
  auto angle = amount_argument(call, "angle", 0, 360, kRequired, "rotate(10 deg)", "deg");
  if (!angle) return tl::unexpected(angle.error());
  return with_fill(call, {.first = *angle, .move = rotate});
}

// The result shows 1 + amount of the picture: a positive amount zooms out.
void zoom(const AugmentStep &step, Draws &draws, Map &map) {
  double height = 1 + step.first.draw(draws);
  double width = step.flags[0] ? height : 1 + step.second.draw(draws);
  map.then(height, 0, 0, width, 0, 0);
}

Result<AugmentStep> read_zoom(const json &call) {
  auto amount = amount_argument(call, "amount", 0, 0.99, kRequired, "zoom(10%)");
  if (!amount) return tl::unexpected(amount.error());
  AugmentStep step{.first = *amount, .move = zoom};
  step.flags[0] = argument(call, "width", 1) == nullptr;
  if (!step.flags[0]) {
    auto width = amount_argument(call, "width", 1, 0.99, kRequired, "zoom(10%, 20%)");
    if (!width) return tl::unexpected(width.error());
    step.second = *width;
  }
  return with_fill(call, step);
}

// Rows are shifted by amount times their distance from the centre, columns by `vertical` times theirs.
void shear(const AugmentStep &step, Draws &draws, Map &map) {
  double amount = step.first.draw(draws), vertical = step.second.draw(draws);
  map.then(1, vertical, amount, 1, 0, 0);
}

Result<AugmentStep> read_shear(const json &call) {
  auto amount = amount_argument(call, "amount", 0, 1, kRequired, "shear(10%)");
  if (!amount) return tl::unexpected(amount.error());
  auto vertical = amount_argument(call, "vertical", 1, 1, 0, "shear(10%, vertical = 10%)");
  if (!vertical) return tl::unexpected(vertical.error());
  return with_fill(call, {.first = *amount, .second = *vertical, .move = shear});
}

}  // namespace
}  // namespace netc::runtime

const nc_augmentation_module nc_module_augment_rotate = {{"augmentation", "rotate"}, netc::runtime::read_rotate};
const nc_augmentation_module nc_module_augment_zoom = {{"augmentation", "zoom"}, netc::runtime::read_zoom};
const nc_augmentation_module nc_module_augment_shear = {{"augmentation", "shear"}, netc::runtime::read_shear};
