// Where the runtime finds values inside a function while it runs: outputs of steps, gradients of weights.
//
// Nothing is computed or kept for it: a value is listed when it has a place in memory anyway, and the runtime looks at
// it before the next op may write over it. What fusion left in registers is not listed.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "ir/graph.h"

namespace netc {

// The key "observed" of a function (docs/metadata.md): `planned` is what the memory plan has left. Without
// `known_steps`, which another function shows.
nlohmann::json observed_values(const Function &planned, const std::set<std::string> &known_steps);

}  // namespace netc
