#include "ir/ops/registry.h"

#include <iterator>
#include <unordered_map>

namespace netc {
namespace {

struct Registry {
  std::vector<OpDef> table;
  std::vector<const OpDef *> all;
  std::unordered_map<std::string_view, const OpDef *> by_name;

  Registry() {
#define NETC_ADD_FAMILY(name) add(ops::name##_ops());
    NETC_OP_FAMILIES(NETC_ADD_FAMILY)
#undef NETC_ADD_FAMILY
    for (const OpDef &def : table) {
      all.push_back(&def);
      by_name.emplace(def.name, &def);
    }
  }
  void add(std::vector<OpDef> family) {
    table.insert(table.end(), std::make_move_iterator(family.begin()), std::make_move_iterator(family.end()));
  }
};

const Registry &registry() {
  static const Registry instance;
  return instance;
}

}  // namespace

const OpDef *find_op(std::string_view name) {
  auto found = registry().by_name.find(name);
  return found == registry().by_name.end() ? nullptr : found->second;
}

const std::vector<const OpDef *> &all_ops() { return registry().all; }

}  // namespace netc
