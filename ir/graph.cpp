#include "ir/graph.h"

#include <algorithm>
#include <utility>

namespace netc {

const Weight *Module::find_weight(std::string_view name) const {
  auto found = std::find_if(weights.begin(), weights.end(), [&](const Weight &w) { return w.name == name; });
  return found == weights.end() ? nullptr : &*found;
}

const Function *Module::find_function(std::string_view name) const {
  auto found = std::find_if(functions.begin(), functions.end(), [&](const Function &f) { return f.name == name; });
  return found == functions.end() ? nullptr : &*found;
}

Function *Module::find_function(std::string_view name) {
  return const_cast<Function *>(std::as_const(*this).find_function(name));
}

}  // namespace netc
