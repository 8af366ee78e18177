// What the reading of a training wants to know of its program.
#pragma once

#include "runtime/data/load.h"
#include "runtime/train/reading.h"
#include "runtime/train/settings.h"

namespace netc::runtime {

Facts facts_of(const Settings &settings, const DataSets &data);

}  // namespace netc::runtime
