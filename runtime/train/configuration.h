// The resolved configuration as rows for people: each value with where it comes from.
#pragma once

#include <string>
#include <vector>

#include "runtime/train/settings.h"

namespace netc::runtime {

// A value of a section as the `.net` file writes it: early_stopping(monitor = val_loss, patience = 5).
std::string net_text(const nlohmann::json &value);

struct ConfigurationRow {
  std::string name, value, from;
};
std::vector<ConfigurationRow> configuration_rows(const Settings &settings);

}  // namespace netc::runtime
