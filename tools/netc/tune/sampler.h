// Where the values of trials come from when earlier trials do not matter.
#pragma once

#include "tools/netc/tune/space.h"

namespace netc::tune {

// The file as it stands.
Values file_values(const Space &space);

// Independent draws, the `attempt`-th of this trial.
Values random_values(const Space &space, uint64_t seed, uint32_t trial, uint32_t attempt);

// Every combination, the last dimension changing fastest: all choices and, where there are no more than `steps` of
// them, all whole numbers; of other ranges `steps` values at equal distances (on a logarithmic scale where it says
// log), the ends among them. Fails when there are more than `most`.
Result<std::vector<Values>> grid_values(const Space &space, int64_t steps, size_t most = 100'000);

}  // namespace netc::tune
