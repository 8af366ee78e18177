// What the driver adds to the metadata once the passes have run, and which parts of the runtime a program needs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace netc {

// Adds the offsets of the weights and the signatures of the functions (docs/metadata.md).
void complete_metadata(nlohmann::json &metadata, const Module &planned);
// The runtime parts this program's data section and inputs call for: "nc_module_csv", "nc_module_png".
std::vector<std::string> needed_runtime_modules(const nlohmann::json &metadata);

}  // namespace netc
