// Looks at the whole space before a study begins: values that make no program, or one that needs more memory than there
// is, are told at once, and not by trial 17.
#pragma once

#include <cstdint>

#include "tools/netc/tune/configuration.h"

namespace netc::tune {

struct SpaceReport {
  std::string errors;         // as text for the user; "" when the space is sound
  int64_t largest_bytes = 0;  // the most memory that the weights and the work of a training program take
};

// Makes the graph of the file with each choice, the ends of each range and the whole numbers of short ones, one param
// at a time; then, for the params that decide shapes, with all combinations of these, or, where they are more than
// `combinations`, with those of the ends and as many others by lot. `budget`: bytes a program may take.
SpaceReport check_space(Configurator &configurator, const Space &space, int64_t budget, size_t combinations = 64);

}  // namespace netc::tune
