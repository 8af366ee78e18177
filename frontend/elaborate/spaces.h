// The spaces of params, which a search draws from, as the metadata describes them (docs/metadata.md).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "frontend/elaborate/interpreter.h"

namespace netc::elaborate {

// The space of a param, or null; reports bounds that are no numbers, and a value outside.
nlohmann::json param_space(Interpreter &interpreter, const std::string &name, const ParamInfo &param);

// When a search varies the param: `space` of `param x = 1 in 0 .. 2 if CONDITION`. Null: always. A condition compares
// params declared before with values they can have, and joins that with and, or, not:
//   {"op": "==", "operands": [{"param": "rule"}, "sgd"]}     op: == != < <= > >= and or not
// Reports everything else.
nlohmann::json param_condition(Interpreter &interpreter, const std::string &name, const ParamInfo &param);

}  // namespace netc::elaborate
