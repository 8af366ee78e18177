#include "runtime/data/augment.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/data/arguments.h"
#include "runtime/io/nearest.h"
#include "runtime/random.h"

namespace netc::runtime {
namespace {

using nlohmann::json;

Result<void> add_flip(const json &call, Augmentation &augmentation) {
  std::string which = "horizontal";
  if (call.contains("args") && call["args"].is_array() && !call["args"].empty())
    which = text_of(call["args"][0]).value_or(call["args"][0].dump());
  if (which != "horizontal" && which != "vertical" && which != "both")
    return fail("flip is horizontal, vertical or both, found " + in_quotes(which));
  augmentation.flip_horizontal |= which != "vertical";
  augmentation.flip_vertical |= which != "horizontal";
  return {};
}

Result<void> add_translate(const json &call, Augmentation &augmentation) {
  if (auto known = check_named_arguments(call, {"fill"}); !known) return known;
  std::vector<double> shares;
  if (call.contains("args") && call["args"].is_array())
    for (const json &share : call["args"]) {
      if (!share.is_number() || !(share.get<double>() >= 0 && share.get<double>() < 1))
        return fail("translate takes shares of the size from 0 up to 1, found " + share.dump(),
                    "for example translate(0.1)");
      shares.push_back(share.get<double>());
    }
  if (shares.empty() || shares.size() > 2)
    return fail("translate takes one or two shares", "for example translate(0.1)");
  augmentation.translate_y = static_cast<float>(shares.front());
  augmentation.translate_x = static_cast<float>(shares.back());
  auto fill = text_argument(call, "fill", "reflect");
  if (!fill) return tl::unexpected(fill.error());
  if (*fill == "reflect")
    augmentation.fill = Fill::reflect;
  else if (*fill == "nearest")
    augmentation.fill = Fill::nearest;
  else if (*fill == "constant")
    augmentation.fill = Fill::constant;
  else
    return fail("translate: fill is reflect, nearest or constant, found " + in_quotes(*fill));
  return {};
}

// Uniform among the whole numbers -reach .. reach, where reach is share * size rounded.
int64_t shift(float share, int64_t size, uint32_t word) {
  int64_t reach = std::llround(static_cast<double>(share) * static_cast<double>(size));
  return static_cast<int64_t>(static_cast<uint64_t>(word) * static_cast<uint64_t>(2 * reach + 1) >> 32) - reach;
}

}  // namespace

Result<Augmentation> augmentation_from_json(const json &value) {
  Augmentation augmentation;
  if (value.is_null()) return augmentation;
  for (const json &call : value.is_array() ? value : json::array({value})) {
    std::string name = call_name(call);
    if (name.empty()) name = text_of(call).value_or("");
    Result<void> done =
        fail("augment does not know " + in_quotes(name.empty() ? call.dump() : name), "it is flip or translate");
    if (name == "flip") done = add_flip(call, augmentation);
    if (name == "translate") done = add_translate(call, augmentation);
    if (!done) return tl::unexpected(done.error());
  }
  return augmentation;
}

Placement place(const Augmentation &augmentation, uint64_t seed, uint32_t epoch, int64_t sample, int64_t height,
                int64_t width) {
  auto words = random_words(seed, RandomUse::augment, epoch, static_cast<uint64_t>(sample));
  Placement placement;
  placement.flip_horizontal = augmentation.flip_horizontal && (words[0] & 1);
  placement.flip_vertical = augmentation.flip_vertical && (words[0] & 2);
  placement.shift_y = shift(augmentation.translate_y, height, words[1]);
  placement.shift_x = shift(augmentation.translate_x, width, words[2]);
  return placement;
}

int64_t source_coordinate(int64_t position, int64_t shift, bool flip, int64_t size, Fill fill) {
  int64_t source = position - shift;
  if (source < 0 || source >= size) {
    if (fill == Fill::constant) return -1;
    if (fill == Fill::nearest)
      source = source < 0 ? 0 : size - 1;
    else
      source = source < 0 ? -1 - source : 2 * size - 1 - source;  // a shift is less than the size: one reflection
  }
  return flip ? size - 1 - source : source;
}

}  // namespace netc::runtime
