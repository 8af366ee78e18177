#include "tools/netc/observed.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/rewrite.h"
#include "passes/storage.h"

namespace netc {
namespace {

using nlohmann::json;

constexpr const char *kStep = "step", *kGradient = "gradient";

const char *space_name(Space space) {
  switch (space) {
    case Space::fixed:
      return "fixed";
    case Space::batch:
      return "batch";
    case Space::output:
      return "output";
    default:
      return nullptr;  // weights and arguments are known without looking
  }
}

// `root` is the value whose memory it is. A gradient lies as its weight does; the output of a step may have another
// type and shape there than the step's, and a halo.
json place_json(const char *what, const std::string &name, const Value &root, uint32_t op) {
  json place{{what, name}, {"op", op}, {"space", space_name(root.placement.space)}, {"offset", root.placement.offset}};
  if (what != kStep) return place;
  json &shape = place["shape"] = json::array();
  for (const Dim &dim : root.type.shape) shape.push_back(dim.size);
  if (root.type.dtype != DType::f32) place["dtype"] = netc::name(root.type.dtype);
  const Halo &halo = root.halo;
  if (!halo.empty()) place["halo"] = {halo.top, halo.bottom, halo.left, halo.right};
  return place;
}

}  // namespace

json observed_values(const Function &planned, const std::set<std::string> &known_steps) {
  std::vector<ValueId> roots = alias_roots(planned);
  std::vector<uint32_t> definitions = defining_ops(planned);
  std::multimap<uint32_t, json> observed;                  // by the op that makes them
  std::map<std::string, std::pair<uint32_t, json>> parts;  // gradients of the data's loss, by weight
  std::set<std::string> whole;                             // weights with their gradient
  for (ValueId id = 0; id < planned.values.size(); ++id) {
    const std::string &label = planned.value(id).name;
    const Value &root = planned.value(roots[id]);
    uint32_t op = definitions[roots[id]];
    if (op == UINT32_MAX || space_name(root.placement.space) == nullptr) continue;
    auto name_behind = [&](std::string_view prefix) {
      return label.starts_with(prefix) ? label.substr(prefix.size()) : std::string();
    };
    if (std::string step = name_behind(kStepName); !step.empty() && !known_steps.contains(step))
      observed.emplace(op, place_json(kStep, step, root, op));
    if (std::string weight = name_behind(kGradientName); !weight.empty()) {
      observed.emplace(op, place_json(kGradient, weight, root, op));
      whole.insert(weight);
    }
    if (std::string weight = name_behind(kDataGradientName); !weight.empty())
      parts[weight] = {op, place_json(kGradient, weight, root, op)};
  }
  for (auto &[weight, part] : parts)
    if (!whole.contains(weight)) observed.insert(std::move(part));
  json list = json::array();
  for (auto &[op, place] : observed) list.push_back(std::move(place));
  return list;
}

}  // namespace netc
